/**
 * A device id per tab and client, the same after a reload, never shared by two live tabs.
 *
 * sessionStorage survives a reload, but duplicating a tab copies it, and two connections with one
 * client id throw each other out for ever. So an id lies in storage only while no page uses it: it
 * is taken out when claimed and put back when the page goes (`pagehide`, `freeze`), before the
 * reloaded page starts. A copy made of a living tab finds nothing and makes ids of its own.
 *
 * With the id goes the time the page was last connected, so that the next page can tell whether it
 * resumes a session or has lost one.
 */

/**
 * @typedef {{key: string, chosen: string | null, device: string, lastSeenAt: number | null,
 *   seenAt: (() => number | null) | null}} Claim
 *   chosen: by the page; null if made here; lastSeenAt: when a page before was last connected as
 *   this device, null if none was; seenAt: asked when this page goes, null once released.
 */

const KEY = 'push-client.'

export class DeviceShelf {
  /** @type {Claim[]} All that this page made, also the released. */
  #claims = []
  #env

  /** @param {Pick<import('./environment.js').Environment, 'storage'|'page'|'document'|'random'>} env */
  constructor(env) {
    this.#env = env
    const put = () => this.#claims.forEach((it) => this.#put(it))
    // Back with our memory intact: take them out again.
    const take = () => this.#claims.forEach((it) => this.#take(it.key))
    env.page?.addEventListener('pagehide', put)
    env.page?.addEventListener('pageshow', take)
    env.document?.addEventListener('freeze', put)
    env.document?.addEventListener('resume', take)
  }

  /**
   * @param {string | null} chosen By the page itself; null to make one.
   * @param {() => number | null} seenAt Asked when the page goes.
   * @returns {Claim} In use until `release`.
   */
  claim(chosen, seenAt) {
    const released = this.#claims.find((it) => it.seenAt === null && it.chosen === chosen)
    if (released !== undefined) return Object.assign(released, { seenAt })
    const key = KEY + (chosen === null ? this.#claims.length : `device.${chosen}`)
    const [found = '', lastSeenAt] = this.#take(key).split(' ')
    const device = chosen ?? (isDevice(found) ? found : newId(this.#env.random))
    const claim = { key, chosen, device, seenAt, lastSeenAt: Number(lastSeenAt) || null }
    this.#claims.push(claim)
    return claim
  }

  /** @param {Claim} claim Its session is over. */
  release(claim) {
    Object.assign(claim, { seenAt: null, lastSeenAt: null })
  }

  /** @param {Claim} claim */
  #put({ key, device, seenAt }) {
    try {
      this.#env.storage?.setItem(key, `${device} ${seenAt?.() ?? ''}`)
    } catch {
      // Full or forbidden: the next page gets another id, which is only less convenient.
    }
  }

  /** @param {string} key @returns {string} What lay there; empty if nothing did. */
  #take(key) {
    try {
      const found = this.#env.storage?.getItem(key)
      this.#env.storage?.removeItem(key)
      return found ?? ''
    } catch {
      return ''
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
export function newId(random) {
  return Array.from({ length: 12 }, () => Math.floor(random() * 36).toString(36)).join('')
}
