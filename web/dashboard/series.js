/**
 * Five minutes of snapshots as columns for charts.
 *
 * Pure and bounded. Time is the gateway's, in seconds; a second that is missing stays a gap, and so
 * does a latency of a second in which nothing was published.
 */

/** Snapshots kept. */
export const KEPT = 300

/** Seconds between snapshots above which a line is broken. */
const GAP_S = 3

/**
 * @typedef {Record<string, any>} Snapshot
 * @typedef {(number | null)[]} Column
 */

export class Series {
  /** @type {Snapshot[]} */
  #snapshots = []

  get latest() {
    return this.#snapshots.at(-1)
  }

  /** @param {Snapshot[]} snapshots The oldest first. */
  replace(snapshots) {
    this.#snapshots = snapshots.slice(-KEPT)
  }

  /** @param {Snapshot} snapshot */
  add(snapshot) {
    const last = this.latest
    if (last !== undefined && secondsOf(snapshot) <= secondsOf(last)) return
    this.#snapshots.push(snapshot)
    if (this.#snapshots.length > KEPT) this.#snapshots.shift()
  }

  /**
   * @param {((snapshot: Snapshot) => number | null)[]} lines What each line shows.
   * @returns {[number[], ...Column[]]} Moments in seconds, then one column for each line.
   */
  columns(lines) {
    /** @type {number[]} */
    const moments = []
    /** @type {Column[]} */
    const columns = lines.map(() => [])
    for (const snapshot of this.#snapshots) {
      const moment = secondsOf(snapshot)
      const before = moments.at(-1)
      if (before !== undefined && moment - before > GAP_S) {
        moments.push(before + 1)
        for (const column of columns) column.push(null)
      }
      moments.push(moment)
      lines.forEach((line, at) => columns[at]?.push(line(snapshot)))
    }
    return [moments, ...columns]
  }
}

/**
 * What one service did, or all together.
 *
 * @param {Snapshot} snapshot
 * @param {string} service Empty for all.
 * @returns {Record<string, any>}
 */
export function paceOf(snapshot, service) {
  return (service === '' ? snapshot.total : snapshot.services[service]) ?? {}
}

/**
 * What IoT Core took each second: what was published, and what a client confirmed instead.
 *
 * @param {Record<string, any>} pace
 * @returns {number}
 */
export function tookOf(pace) {
  return (pace.published ?? 0) + (pace.delivered ?? 0)
}

/** @param {number | null | undefined} seconds @returns {number | null} */
export function inMs(seconds) {
  return seconds === null || seconds === undefined ? null : seconds * 1_000
}

/** @param {Snapshot} snapshot */
function secondsOf(snapshot) {
  return Date.parse(snapshot.at) / 1_000
}
