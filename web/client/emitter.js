/**
 * A closed set of named events with listeners that cannot hurt one another.
 *
 * `on` returns its own undo. A listener that throws is reported to the page (`reportError`, as an
 * uncaught error of its own) and the others still run: the page's bug must not stop delivery.
 */

/** @template {Record<string, unknown>} Events */
export class Emitter {
  /** @type {Map<keyof Events, Set<(value: any) => void>>} */
  #listeners

  /** @param {readonly (keyof Events & string)[]} names */
  constructor(names) {
    this.#listeners = new Map(names.map((name) => [name, new Set()]))
  }

  /**
   * @template {keyof Events & string} Name
   * @param {Name} name
   * @param {(value: Events[Name]) => void} listener
   * @returns {() => void} Undo.
   */
  on(name, listener) {
    const listeners = this.#listeners.get(name)
    if (listeners === undefined) {
      throw new TypeError(`no event "${name}"; there are ${[...this.#listeners.keys()].join(', ')}`)
    }
    if (typeof listener !== 'function')
      throw new TypeError(`the listener for "${name}" is no function`)
    // A wrapper of its own, so that the same function added twice is two listeners with two undos.
    const own = (/** @type {Events[Name]} */ value) => listener(value)
    listeners.add(own)
    return () => void listeners.delete(own)
  }

  /**
   * @template {keyof Events & string} Name
   * @param {Name} name
   * @param {Events[Name]} value
   */
  emit(name, value) {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) call(listener, value)
  }
}

/**
 * Call a listener; what it throws goes to the page as an uncaught error, not to the caller.
 *
 * @template Value
 * @param {(value: Value) => void} listener
 * @param {Value} value
 */
export function call(listener, value) {
  try {
    listener(value)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
