/**
 * Moments at which a page should look at its connection at once instead of waiting for a timer.
 *
 * Back online, back in view, back from the back/forward cache. Owns the three listeners.
 */

/**
 * @param {Pick<import('./environment.js').Environment, 'page'|'document'>} env
 * @param {() => void} wake
 * @returns {() => void} Undo.
 */
export function watchPage({ page, document }, wake) {
  const shown = () => {
    if (document?.visibilityState === 'visible') wake()
  }
  page?.addEventListener('online', wake)
  page?.addEventListener('pageshow', wake)
  document?.addEventListener('visibilitychange', shown)
  return () => {
    page?.removeEventListener('online', wake)
    page?.removeEventListener('pageshow', wake)
    document?.removeEventListener('visibilitychange', shown)
  }
}
