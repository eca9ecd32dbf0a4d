/**
 * Server-sent events out of a stream of text.
 *
 * Pure: text in, events out, however the network cut it. `EventSource` cannot send an
 * Authorization header, and a key in an address would end up in logs; so `fetch` reads the stream.
 * Source: WHATWG HTML, "Server-sent events"; our gateway writes `event` and one `data` line.
 */

/** Characters of one event at most; what is longer is no stream of ours. */
export const MAX_EVENT_CHARS = 4_000_000

/** @typedef {{name: string, data: any}} ServerSent */

export class ServerSentReader {
  #rest = ''

  /**
   * @param {string} text The next piece.
   * @returns {ServerSent[]} The events that it completes.
   */
  push(text) {
    const parts = (this.#rest + text).split('\n\n')
    this.#rest = parts.pop() ?? ''
    if (this.#rest.length > MAX_EVENT_CHARS) throw new Error('an event of the stream has no end')
    return parts.map(read).filter((it) => it !== null)
  }
}

/** @param {string} block @returns {ServerSent | null} */
function read(block) {
  let name = 'message'
  const data = []
  for (const line of block.split('\n')) {
    if (line.startsWith('event: ')) name = line.slice(7)
    else if (line.startsWith('data: ')) data.push(line.slice(6))
  }
  return data.length === 0 ? null : { name, data: JSON.parse(data.join('\n')) }
}
