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
 * @typedef {{key: string, device: string, seenAt: number | null}} Claim
 *   seenAt: when a page was last connected as this device; null if none was.
 */

const KEY = 'push-client.device.'

export class DeviceShelf {
  /** @type {Map<Claim, () => number | null>} Those in use, and how to learn their `seenAt`. */
  #used = new Map()
  /** @type {Claim[]} */
  #free = []
  #next = 0
  #env

  /** @param {Pick<import('./environment.js').Environment, 'storage'|'page'|'document'|'random'>} env */
  constructor(env) {
    this.#env = env
    const put = () => {
      for (const [claim, seenAt] of this.#used) this.#put({ ...claim, seenAt: seenAt() })
      for (const claim of this.#free) this.#put(claim)
    }
    // Back with our memory intact: take them out again.
    const take = () => {
      for (const { key } of [...this.#used.keys(), ...this.#free]) this.#take(key)
    }
    env.page?.addEventListener('pagehide', put)
    env.page?.addEventListener('pageshow', take)
    env.document?.addEventListener('freeze', put)
    env.document?.addEventListener('resume', take)
  }

  /**
   * @param {string | null} device One the page chose itself; null to make one.
   * @param {() => number | null} seenAt Asked when the page goes.
   * @returns {Claim} In use until `release`.
   */
  claim(device, seenAt) {
    const claim = device === null ? (this.#free.shift() ?? this.#fresh()) : this.#named(device)
    this.#used.set(claim, seenAt)
    return claim
  }

  /** @param {Claim} claim Its session is over. */
  release(claim) {
    if (this.#used.delete(claim) && claim.key !== KEY + claim.device) {
      this.#free.push({ ...claim, seenAt: null })
    }
  }

  #fresh() {
    const key = `${KEY}${this.#next}`
    this.#next += 1
    const found = this.#take(key)
    return { key, device: found?.device ?? newId(this.#env.random), seenAt: found?.seenAt ?? null }
  }

  /** @param {string} device @returns {Claim} */
  #named(device) {
    const key = KEY + device
    return { key, device, seenAt: this.#take(key)?.seenAt ?? null }
  }

  /** @param {Claim} claim */
  #put({ key, device, seenAt }) {
    try {
      this.#env.storage?.setItem(key, `${device} ${seenAt ?? ''}`)
    } catch {
      // Full or forbidden: the next page gets another id, which is only less convenient.
    }
  }

  /** @param {string} key @returns {{device: string, seenAt: number | null} | null} */
  #take(key) {
    try {
      const [device = '', seenAt = ''] = (this.#env.storage?.getItem(key) ?? '').split(' ')
      this.#env.storage?.removeItem(key)
      return isDevice(device) ? { device, seenAt: Number(seenAt) || null } : null
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
export function newId(random) {
  return Array.from({ length: 12 }, () => Math.floor(random() * 36).toString(36)).join('')
}
