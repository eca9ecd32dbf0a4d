/**
 * The credential API: a JWT in, AWS credentials and the topics of the grant out.
 *
 * Owns the request, the check of the answer, what it tells about the server's clock, and the
 * mapping of every refusal to an error class. Does not retry and sets no deadline: the caller
 * aborts. Tokens, credentials and URLs are never logged.
 * Source: docs/design.md, Credential API; RFC 9457.
 */

import {
  CredentialsUnavailable,
  GrantRefused,
  NetworkUnavailable,
  PushError,
  Throttled,
  TokenRefused,
  TokenUnavailable
} from './errors.js'

/**
 * @typedef {Readonly<{url: string, clientId: string, subscribe: readonly string[],
 *   publish: readonly string[], fetchedAt: number, expiresAt: number, skewMs: number,
 *   signable: import('./sigv4.js').Signable}>} Credentials
 *   url: signed by the server, good for five minutes; subscribe, publish: topic filters;
 *   fetchedAt, expiresAt: milliseconds since 1970 by the server's clock; skewMs: what to add to
 *   this machine's clock to get the server's.
 * @typedef {() => string | Promise<string>} GetToken
 * @typedef {{credentialsUrl: string, getToken: GetToken, device: string, signal: AbortSignal,
 *   fetch: typeof globalThis.fetch, now: () => number}} CredentialsRequest
 */

/** Topic filters one connection may hold. AWS IoT Core quota, subscriptions per connection. */
export const MAX_SUBSCRIPTIONS = 50

/** Pause after a 429 without a usable Retry-After. */
const DEFAULT_RETRY_AFTER_MS = 5_000

/**
 * @param {CredentialsRequest} request
 * @returns {Promise<Credentials>}
 * @throws {PushError} One of TokenUnavailable, TokenRefused, GrantRefused, Throttled,
 *   CredentialsUnavailable, NetworkUnavailable.
 */
export async function fetchCredentials(request) {
  const { credentialsUrl, getToken, device, signal, fetch, now } = request
  const token = await tokenFrom(getToken)
  const response = await fetch(credentialsUrl, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ device }),
    cache: 'no-store',
    credentials: 'omit',
    referrerPolicy: 'no-referrer',
    signal
  }).catch(unavailable)
  const body = await response.text().catch(unavailable)
  if (response.status === 200) return credentialsIn(body, response.headers.get('date'), now())
  throw refusal(response, body)
}

/** @param {unknown} cause @returns {never} */
function unavailable(cause) {
  throw new NetworkUnavailable(cause)
}

/**
 * A `getToken` that POSTs to a URL of the application and reads `{"token": "…"}`.
 *
 * @param {string} tokenUrl
 * @param {typeof globalThis.fetch} fetch
 * @returns {GetToken}
 */
export function tokenFromUrl(tokenUrl, fetch) {
  return async () => {
    // Same-origin cookies say who asks; POST, because no cache may ever answer this.
    const response = await fetch(tokenUrl, {
      method: 'POST',
      credentials: 'same-origin',
      cache: 'no-store'
    })
    if (!response.ok) throw new TokenUnavailable(`the token URL answered HTTP ${response.status}`)
    return (await response.json()).token
  }
}

/** @param {GetToken} getToken @returns {Promise<string>} */
async function tokenFrom(getToken) {
  let token
  try {
    token = await getToken()
  } catch (error) {
    throw error instanceof PushError ? error : new TokenUnavailable('getToken failed', error)
  }
  if (isText(token)) return token
  throw new TokenUnavailable('getToken gave no string')
}

/**
 * @param {string} body
 * @param {string | null} date The answer's own field.
 * @param {number} now
 * @returns {Credentials}
 */
function credentialsIn(body, date, now) {
  const { url, clientId, subscribe, publish = [], expiration, endpoint, region, credentials } =
    objectIn(body)
  const { accessKeyId, secretAccessKey, sessionToken } = Object(credentials)
  const signable = { endpoint, region, accessKeyId, secretAccessKey, sessionToken }
  const expiresAt = Date.parse(expiration)
  const usable =
    [clientId, ...Object.values(signable)].every(isText) &&
    [url, endpoint].every((it) => /^wss?:\/\//.test(it)) &&
    [subscribe, publish].every((it) => Array.isArray(it) && it.every(isText)) &&
    subscribe.length > 0 &&
    expiresAt > 0
  if (!usable) throw new CredentialsUnavailable(200, 'the answer lacks what the API promises')
  if (subscribe.length > MAX_SUBSCRIPTIONS) {
    const detail = `The grant lists ${subscribe.length} topics; a connection holds ${MAX_SUBSCRIPTIONS}.`
    throw new GrantRefused('too_many_topics', detail)
  }
  const fetchedAt = serverTime(date, url) || now
  const skewMs = fetchedAt - now
  return Object.freeze({ url, clientId, subscribe, publish, fetchedAt, expiresAt, skewMs, signable })
}

/**
 * @param {string | null} date Scripts of another origin see it only if the server exposes it.
 * @param {string} url Tells the time of its signature.
 * @returns {number} Milliseconds since 1970, to the second; NaN if neither tells.
 */
function serverTime(date, url) {
  const [, year, month, hour, minute, second] =
    /X-Amz-Date=(....)(..)(..T..)(..)(..Z)/.exec(url) ?? []
  return Date.parse(date ?? `${year}-${month}-${hour}:${minute}:${second}`)
}

/**
 * @param {Response} response
 * @param {string} body
 * @returns {PushError}
 */
function refusal({ status, headers }, body) {
  const problem = objectIn(body)
  const [reason = 'unknown'] = [problem.reason, problem.code].filter(isText)
  const [detail = ''] = [problem.detail, problem.title].filter(isText)
  switch (status) {
    case 401:
      return new TokenRefused(reason, detail)
    case 403:
      return new GrantRefused(reason, detail)
    case 429:
      // Whole seconds; the date form is not used by our API.
      return new Throttled(Number(headers.get('retry-after')) * 1000 || DEFAULT_RETRY_AFTER_MS)
    default:
      return new CredentialsUnavailable(status, detail || reason)
  }
}

/** @param {string} body @returns {any} To be checked field by field; empty if it is no JSON object. */
function objectIn(body) {
  try {
    return Object(JSON.parse(body))
  } catch {
    return {}
  }
}

/** @param {unknown} value @returns {value is string} */
const isText = (value) => typeof value === 'string' && value !== ''
