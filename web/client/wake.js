/**
 * What happens to a page that its connection should know of at once, and not by a timer.
 *
 * - `wake`: back online, back in view, back from the back/forward cache or from being frozen.
 * - `offline`: the browser thinks so; worth a look, for a connection on this machine may live on.
 * - `sleep`: the page goes away, perhaps into the back/forward cache, where an open connection
 *   would keep it out or be cut. The session stays with the broker.
 *
 * Owns the listeners. Source: WHATWG HTML, page transitions; Page Lifecycle, freeze and resume.
 */

/**
 * @param {Pick<import('./environment.js').Environment, 'page'|'document'>} env
 * @param {(what: 'wake'|'offline'|'sleep') => void} tell
 * @returns {() => void} Undo.
 */
export function watchPage({ page, document }, tell) {
  const [wake, offline, sleep] = [() => tell('wake'), () => tell('offline'), () => tell('sleep')]
  const shown = () => {
    if (document?.visibilityState === 'visible') tell('wake')
  }
  /** @type {[EventTarget | null, string, () => void][]} */
  const watched = [
    [page, 'online', wake],
    [page, 'offline', offline],
    [page, 'pageshow', wake],
    [page, 'pagehide', sleep],
    [document, 'resume', wake],
    [document, 'freeze', sleep],
    [document, 'visibilitychange', shown]
  ]
  for (const [target, name, listener] of watched) target?.addEventListener(name, listener)
  return () => {
    for (const [target, name, listener] of watched) target?.removeEventListener(name, listener)
  }
}
