/**
 * The key of this tab.
 *
 * In `sessionStorage` alone: it survives a reload and ends with the tab; no other tab sees it, and
 * no request carries it on its own, as a cookie would.
 */

const NAME = 'gateway-key'

/** @param {Storage} storage @returns {string | null} */
export function readKey(storage) {
  try {
    return storage.getItem(NAME)
  } catch {
    return null
  }
}

/** @param {Storage} storage @param {string | null} key Null forgets it. */
export function writeKey(storage, key) {
  try {
    if (key === null) storage.removeItem(NAME)
    else storage.setItem(NAME, key)
  } catch {
    // A browser that keeps nothing: the key lasts until the next reload.
  }
}
