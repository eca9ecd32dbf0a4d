/**
 * Events as an async iteration: `for await (const event of client)`.
 *
 * Owns the events that wait to be read, at most MAX_WAITING. An iteration that falls further behind
 * ends with StreamOverflow: what it would lose, it is told. Ends with the client: normally after
 * `close()`, with the error if an error closed it. Listens from the start, not from the first read.
 */

import { StreamOverflow } from './errors.js'

/** Events that may wait. */
export const MAX_WAITING = 1_000

/** @template Item */
export class Stream {
  /** @type {Item[]} */
  #waiting = []
  #ended = false
  /** @type {Error | null} */
  #error = null
  #wake = () => {}
  #onEnd

  /** @param {() => void} onEnd Called once, whoever ends it. */
  constructor(onEnd) {
    this.#onEnd = onEnd
  }

  /** @param {Item} item */
  push(item) {
    if (this.#ended) return
    if (this.#waiting.length < MAX_WAITING) this.#waiting.push(item)
    else this.end(new StreamOverflow(MAX_WAITING))
    this.#wake()
  }

  /** @param {Error | null} error Told after what still waits. */
  end(error) {
    if (this.#ended) return
    this.#ended = true
    this.#error = error
    this.#onEnd()
    this.#wake()
  }

  /** @returns {AsyncGenerator<Item, void>} Leaving it ends the stream. */
  async *read() {
    try {
      for (;;) {
        if (this.#waiting.length > 0) yield /** @type {Item} */ (this.#waiting.shift())
        else if (this.#error !== null) throw this.#error
        else if (this.#ended) return
        else await new Promise((wake) => (this.#wake = () => wake(null)))
      }
    } finally {
      this.end(null)
    }
  }
}
