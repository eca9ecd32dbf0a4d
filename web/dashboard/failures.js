/**
 * Dead letters as rows.
 *
 * Pure: receipts in, rows out, the newest first.
 */

/** Rows shown. */
export const MOST = 50

/**
 * @typedef {{service: string, id: string, at: string | undefined, addresses: string[],
 *   code: string, detail: string, attempts: number}} FailureRow
 */

/**
 * @param {{service: string, events: Record<string, any>[]}[]} found Receipts by service.
 * @returns {FailureRow[]}
 */
export function failureRows(found) {
  return found
    .flatMap(({ service, events }) => events.map((event) => rowOf(service, event)))
    .sort((a, b) => Date.parse(b.at ?? '') - Date.parse(a.at ?? ''))
    .slice(0, MOST)
}

/** @param {string} service @param {Record<string, any>} event @returns {FailureRow} */
function rowOf(service, event) {
  const deliveries = Object.entries(event.addresses ?? {}).filter(([, it]) => it.state === 'failed')
  const first = deliveries[0]?.[1]
  return {
    service,
    id: event.id,
    at: first?.settledAt ?? event.acceptedAt,
    addresses: deliveries.map(([address]) => address),
    code: first?.error?.code ?? 'failed',
    detail: first?.error?.detail ?? '',
    attempts: Math.max(0, ...deliveries.map(([, it]) => it.attempts ?? 0))
  }
}
