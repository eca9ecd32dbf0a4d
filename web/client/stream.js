/**
 * Events as an async iteration: `for await (const event of client)`.
 *
 * Owns the events that wait to be read, at most MAX_WAITING. An iteration that falls further behind
 * ends with StreamOverflow: what it would lose, it is told. Ends with the client: normally after
 * `close()`, with the error if an error closed it.
 */

import { StreamOverflow } from './errors.js'

/** Events that may wait. */
export const MAX_WAITING = 1_000

/**
 * @template Item
 * @implements {AsyncIterableIterator<Item, void>}
 */
export class Stream {
  /** @type {Item[]} */
  #waiting = []
  /** @type {{resolve: (result: IteratorResult<Item, void>) => void, reject: (error: unknown) => void}[]} */
  #readers = []
  #ended = false
  /** @type {Error | null} */
  #error = null
  #onEnd

  /** @param {() => void} onEnd Called once, whoever ends it. */
  constructor(onEnd) {
    this.#onEnd = onEnd
  }

  /** @param {Item} item */
  push(item) {
    if (this.#ended) return
    const reader = this.#readers.shift()
    if (reader !== undefined) reader.resolve({ value: item, done: false })
    else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(item)
    else this.end(new StreamOverflow(MAX_WAITING))
  }

  /** @param {Error | null} error After what still waits. */
  end(error) {
    if (this.#ended) return
    this.#ended = true
    this.#error = this.#readers.length > 0 ? null : error // told once
    this.#onEnd()
    for (const { resolve, reject } of this.#readers.splice(0)) {
      if (error === null) resolve({ value: undefined, done: true })
      else reject(error)
    }
  }

  /** @returns {Promise<IteratorResult<Item, void>>} */
  next() {
    const item = this.#waiting.shift()
    if (item !== undefined) return Promise.resolve({ value: item, done: false })
    if (!this.#ended) {
      return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }))
    }
    const error = this.#error
    this.#error = null
    return error === null
      ? Promise.resolve({ value: undefined, done: true })
      : Promise.reject(error)
  }

  /** @returns {Promise<IteratorResult<Item, void>>} What a `break` calls. */
  return() {
    this.#waiting = []
    this.end(null)
    return Promise.resolve({ value: undefined, done: true })
  }

  [Symbol.asyncIterator]() {
    return this
  }
}
