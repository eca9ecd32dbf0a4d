/**
 * A network that can be cut, for one client: stands between it and the browser's own.
 *
 * What is open breaks as if the other end were gone, and nothing new gets through. The client is
 * not told that this is a game. Owns the sockets it has opened.
 */

/** @typedef {Pick<import('../client/environment.js').Environment, 'WebSocket' | 'fetch'>} Network */

export class Uplink {
  /** @type {Set<CuttableSocket>} */
  #open = new Set()
  #isCut = false

  get isCut() {
    return this.#isCut
  }

  cut() {
    this.#isCut = true
    for (const socket of this.#open) socket.sever()
    this.#open.clear()
  }

  restore() {
    this.#isCut = false
  }

  /** @returns {Network} What to hand to a client as its surroundings. */
  get network() {
    const open = (/** @type {string} */ url, /** @type {string[]} */ protocols) => {
      const socket = new CuttableSocket(url, protocols)
      if (this.#isCut) setTimeout(() => socket.sever())
      else this.#open.add(socket)
      return socket
    }
    const Socket = /** @type {unknown} */ (
      /** @type {(url: string, protocols: string[]) => CuttableSocket} */ function (url, protocols) {
        return open(url, protocols)
      }
    )
    return {
      WebSocket: /** @type {typeof WebSocket} */ (Socket),
      fetch: (input, init) =>
        this.#isCut ? Promise.reject(new TypeError('The network is cut')) : fetch(input, init)
    }
  }
}

/** As much of a WebSocket as the client uses. */
class CuttableSocket {
  #inner
  #isSevered = false
  binaryType = 'arraybuffer'
  /** @type {((event: Event) => void) | null} */
  onopen = null
  /** @type {((event: {data: unknown}) => void) | null} */
  onmessage = null
  /** @type {((event: Event) => void) | null} */
  onerror = null
  /** @type {((event: {code: number, reason: string}) => void) | null} */
  onclose = null

  /** @param {string} url @param {string[]} protocols */
  constructor(url, protocols) {
    this.#inner = new WebSocket(url, protocols)
    this.#inner.binaryType = 'arraybuffer'
    this.#inner.onopen = (event) => this.#tell(() => this.onopen?.(event))
    this.#inner.onmessage = (event) => this.#tell(() => this.onmessage?.(event))
    this.#inner.onerror = (event) => this.#tell(() => this.onerror?.(event))
    this.#inner.onclose = (event) => this.#tell(() => this.onclose?.(event))
  }

  get readyState() {
    return this.#isSevered ? WebSocket.CLOSED : this.#inner.readyState
  }

  /** @param {Uint8Array<ArrayBuffer>} bytes */
  send(bytes) {
    if (!this.#isSevered) this.#inner.send(bytes)
  }

  close() {
    this.#inner.close()
  }

  sever() {
    if (this.readyState === WebSocket.CLOSED) return
    this.#isSevered = true
    this.#inner.close()
    this.onclose?.({ code: 1006, reason: '' })
  }

  /** @param {() => void} listener */
  #tell(listener) {
    if (!this.#isSevered) listener()
  }
}
