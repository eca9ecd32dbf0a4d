/**
 * Times, sizes and payloads as short text.
 *
 * Pure. Everything returned is shown as text, never as markup.
 */

/** Characters of a payload shown; the rest is counted. */
export const MAX_SHOWN_CHARS = 2_000

/** @param {number} ms */
export function duration(ms) {
  if (ms < 10) return `${Math.max(ms, 0).toFixed(1)} ms`
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  return `${Math.round(ms / 60_000)} min`
}

/** @param {Date} date @returns {string} Local time of day with milliseconds. */
export function timeOfDay(date) {
  const [h, m, s] = [date.getHours(), date.getMinutes(), date.getSeconds()].map((it) =>
    String(it).padStart(2, '0')
  )
  return `${h}:${m}:${s}.${String(date.getMilliseconds()).padStart(3, '0')}`
}

/** @param {unknown} data */
export function shownData(data) {
  const text = typeof data === 'string' ? data : JSON.stringify(data)
  return shortened(text)
}

/** @param {{text: string | null, bytes: Uint8Array}} message */
export function shownPayload({ text, bytes }) {
  return text === null ? `${bytes.length} bytes that are no text` : shortened(text)
}

/** @param {number} count @param {string} one @param {string} [many] */
export function counted(count, one, many = `${one}s`) {
  return `${count} ${count === 1 ? one : many}`
}

/** @param {string} text */
function shortened(text) {
  const more = text.length - MAX_SHOWN_CHARS
  return more > 0
    ? `${text.slice(0, MAX_SHOWN_CHARS)}… and ${counted(more, 'more character')}`
    : text
}
