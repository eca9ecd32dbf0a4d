/**
 * What the client takes from its surroundings, in one value, so that tests can hand in their own.
 *
 * Owns nothing but the defaults. No other file of the client names a browser global, except for
 * pure ones (URL, TextDecoder).
 */

/**
 * @typedef {object} Environment
 * @property {typeof globalThis.WebSocket} WebSocket
 * @property {typeof globalThis.fetch} fetch
 * @property {(fn: () => void, ms: number) => unknown} setTimeout
 * @property {(timer: any) => void} clearTimeout
 * @property {() => number} now Milliseconds since 1970, by this machine.
 * @property {() => number} random In [0, 1).
 * @property {SubtleCrypto | null} subtle Signs; null on pages that are no secure context.
 * @property {Pick<Storage, 'getItem'|'setItem'|'removeItem'> | null} storage Per tab; null where
 *   there is none or the user forbids it.
 * @property {EventTarget | null} page Sends `online`, `offline`, `pageshow`, `pagehide`.
 * @property {(EventTarget & {readonly visibilityState: string}) | null} document Sends
 *   `visibilitychange`, `freeze`, `resume`.
 */

/** @returns {Environment} */
export function browserEnvironment() {
  const { WebSocket, fetch, setTimeout, clearTimeout, crypto, window, document } = globalThis
  return {
    WebSocket,
    fetch: fetch.bind(globalThis),
    setTimeout: setTimeout.bind(globalThis),
    clearTimeout: clearTimeout.bind(globalThis),
    now: Date.now,
    random: Math.random,
    subtle: crypto?.subtle ?? null,
    storage: tabStorage(),
    page: window ?? null,
    document: document ?? null
  }
}

function tabStorage() {
  try {
    return globalThis.sessionStorage ?? null
  } catch {
    return null // a SecurityError where the user blocks storage
  }
}
