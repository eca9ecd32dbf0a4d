/**
 * The three servers this page talks to, besides the client's own connection.
 *
 * `/demo/config` and `/demo/token` exist in localaws only: there it stands in for an application's
 * own login. `POST /v1/events` is the gateway's. A service key belongs on servers; the demo shows
 * one because it was made for this machine alone.
 */

/**
 * @typedef {{credentialsUrl: string, gatewayUrl: string, serviceKey: string | null,
 *   namespace: string}} DemoConfig
 * @typedef {{user: string, groups: string[], ttl_s?: number}} Identity
 * @typedef {{to: string | string[], type: string, data: unknown, id: string}} OutgoingEvent
 * @typedef {{ok: boolean, status: number, body: Record<string, any>}} Answer
 *   status: 0 if nobody answered.
 */

/** @returns {Promise<DemoConfig>} */
export async function loadConfig() {
  const response = await fetch('/demo/config', { cache: 'no-store' })
  if (!response.ok) throw new Error(`/demo/config answered ${response.status}`)
  return response.json()
}

/**
 * @param {Identity} identity
 * @returns {Promise<string>} A JWT, as the application's own login would give it.
 */
export async function fetchDemoToken(identity) {
  const response = await fetch('/demo/token', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(identity)
  })
  const body = await bodyOf(response)
  if (!response.ok) throw new Error(body.detail ?? `/demo/token answered ${response.status}`)
  return body.token
}

/**
 * @param {DemoConfig} config
 * @param {OutgoingEvent} event
 * @returns {Promise<Answer>}
 */
export async function postEvent(config, event) {
  try {
    const response = await fetch(`${config.gatewayUrl}/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${config.serviceKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(event)
    })
    return { ok: response.ok, status: response.status, body: await bodyOf(response) }
  } catch {
    return {
      ok: false,
      status: 0,
      body: { detail: `The gateway at ${config.gatewayUrl} did not answer.` }
    }
  }
}

/** @param {Response} response @returns {Promise<Record<string, any>>} */
async function bodyOf(response) {
  try {
    return await response.json()
  } catch {
    return {}
  }
}
