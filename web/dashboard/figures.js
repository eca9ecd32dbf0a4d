/**
 * Numbers as short text.
 *
 * Pure.
 */

/** @param {number | null | undefined} value */
export function perSecond(value) {
  if (value === null || value === undefined) return '0'
  if (value >= 10_000) return `${(value / 1_000).toFixed(0)}k`
  if (value >= 100 || Number.isInteger(value)) return String(Math.round(value))
  return value.toFixed(1)
}

/** @param {number | null | undefined} ms */
export function milliseconds(ms) {
  if (ms === null || ms === undefined) return '–'
  if (ms === 0) return '0'
  if (ms < 10) return `${ms.toFixed(1)} ms`
  if (ms < 1_000) return `${Math.round(ms)} ms`
  return age(ms / 1_000)
}

/** @param {number} seconds */
export function age(seconds) {
  if (seconds === 0) return '0'
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 60) return `${Math.round(seconds)} s`
  if (seconds < 3_600) return `${Math.round(seconds / 60)} min`
  if (seconds < 86_400) return `${Math.round(seconds / 3_600)} h`
  return `${Math.round(seconds / 86_400)} d`
}

/** @param {string | undefined} moment RFC 3339. @returns {string} Local time of day. */
export function clock(moment) {
  const date = new Date(moment ?? Number.NaN)
  if (Number.isNaN(date.getTime())) return '–'
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((it) => String(it).padStart(2, '0'))
    .join(':')
}
