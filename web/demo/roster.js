/**
 * Who is on the page: the presets, and what survives a reload.
 *
 * The list lies in sessionStorage only while no page shows it, as device ids do in the client: a
 * duplicated tab would otherwise connect with the same client ids and throw this one out.
 */

/**
 * @typedef {Readonly<{name: string, where: string, user: string, device: string | null,
 *   groups: string[]}>} Member
 *   device: null lets the client make one.
 */

const KEY = 'demo.roster'

/** @type {readonly Member[]} */
export const PRESETS = Object.freeze([
  {
    name: 'Ada',
    where: 'on her phone',
    user: 'ada',
    device: 'phone',
    groups: ['orders/eu', 'staff']
  },
  {
    name: 'Ada',
    where: 'on her laptop',
    user: 'ada',
    device: 'laptop',
    groups: ['orders/eu', 'staff']
  },
  {
    name: 'Grace',
    where: 'at her desk',
    user: 'grace',
    device: 'desk',
    groups: ['orders/us', 'staff']
  }
])

/**
 * A preset for this tab: its device gets a suffix, so that two tabs can show the same preset.
 *
 * @param {Member} preset
 * @returns {Member}
 */
export function fromPreset(preset) {
  const suffix = Array.from(crypto.getRandomValues(new Uint8Array(4)), (it) =>
    (it % 36).toString(36)
  ).join('')
  return { ...preset, device: `${preset.device}-${suffix}` }
}

/**
 * @param {{user: string, device: string, groups: string}} typed
 * @returns {Member}
 */
export function fromForm({ user, device, groups }) {
  const names = groups
    .split(',')
    .map((it) => it.trim())
    .filter((it) => it !== '')
  return {
    name: user.trim(),
    where: device.trim() === '' ? '' : `on ${device.trim()}`,
    user: user.trim(),
    device: device.trim() || null,
    groups: [...new Set(names)]
  }
}

/** @param {Member} member */
export function titleOf({ name, where }) {
  return where === '' ? name : `${name} ${where}`
}

/** @param {Storage} storage @returns {Member[]} What the page before a reload showed. */
export function takeRoster(storage) {
  try {
    const members = JSON.parse(storage.getItem(KEY) ?? '[]')
    storage.removeItem(KEY)
    return Array.isArray(members) ? members.filter(isMember) : []
  } catch {
    return []
  }
}

/** @param {Storage} storage @param {readonly Member[]} members */
export function leaveRoster(storage, members) {
  try {
    storage.setItem(KEY, JSON.stringify(members))
  } catch {
    // Storage is full or forbidden: the next page starts empty.
  }
}

/** @param {any} it @returns {it is Member} */
function isMember(it) {
  const texts = [it?.name, it?.where, it?.user]
  return (
    texts.every((text) => typeof text === 'string') &&
    (it.device === null || typeof it.device === 'string') &&
    Array.isArray(it.groups)
  )
}
