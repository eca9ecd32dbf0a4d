/**
 * A device id per tab and client, the same after a reload, never shared by two live tabs.
 *
 * sessionStorage survives a reload, but duplicating a tab copies it, and two connections with one
 * client id throw each other out for ever. So an id lies in storage only while no page uses it: it
 * is taken out when claimed and put back on `pagehide`, before the reloaded page starts. A copy
 * made of a living tab finds nothing and makes ids of its own.
 */

/** @typedef {{key: string, device: string}} Claim */

const KEY = 'push-client.device.'

export class DeviceShelf {
  /** @type {Set<Claim>} */
  #used = new Set()
  /** @type {Claim[]} */
  #free = []
  #next = 0
  #env

  /** @param {Pick<import('./environment.js').Environment, 'storage'|'page'|'random'>} env */
  constructor(env) {
    this.#env = env
    env.page?.addEventListener('pagehide', () => this.#each((claim) => this.#put(claim)))
    // Back from the back/forward cache with our memory intact: take them out again.
    env.page?.addEventListener('pageshow', () => this.#each((claim) => this.#take(claim.key)))
  }

  /** @returns {Claim} In use until `release`. */
  claim() {
    const claim = this.#free.shift() ?? this.#fresh()
    this.#used.add(claim)
    return claim
  }

  /** @param {Claim} claim */
  release(claim) {
    if (this.#used.delete(claim)) this.#free.push(claim)
  }

  #fresh() {
    const key = `${KEY}${this.#next}`
    this.#next += 1
    return { key, device: this.#take(key) ?? newDevice(this.#env.random) }
  }

  /** @param {(claim: Claim) => void} fn */
  #each(fn) {
    for (const claim of [...this.#used, ...this.#free]) fn(claim)
  }

  /** @param {Claim} claim */
  #put({ key, device }) {
    try {
      this.#env.storage?.setItem(key, device)
    } catch {
      // Full or forbidden: the next page gets another id, which is only less convenient.
    }
  }

  /** @param {string} key @returns {string | null} */
  #take(key) {
    try {
      const device = this.#env.storage?.getItem(key) ?? null
      this.#env.storage?.removeItem(key)
      return device !== null && isDevice(device) ? device : null
    } catch {
      return null
    }
  }
}

/**
 * @param {string} text
 * @returns {boolean} Whether the credential API takes it as a device. No dot: the last dot of a
 *   client id starts the device (docs/decisions/0001-client-ids.md).
 */
export function isDevice(text) {
  return /^[A-Za-z0-9_-]{1,38}$/.test(text)
}

/** @type {WeakMap<object, DeviceShelf>} One per page: two clients of a page never share an id. */
const shelves = new WeakMap()

/** @param {import('./environment.js').Environment} env */
export function shelfOf(env) {
  const page = env.page ?? globalThis
  const shelf = shelves.get(page) ?? new DeviceShelf(env)
  shelves.set(page, shelf)
  return shelf
}

/** @param {() => number} random @returns {string} Twelve characters of base 36, 62 bits. */
function newDevice(random) {
  return Array.from({ length: 12 }, () => Math.floor(random() * 36).toString(36)).join('')
}
