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
  let response
  let body
  try {
    response = await fetch(credentialsUrl, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ device }),
      cache: 'no-store',
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      signal
    })
    body = await response.text()
  } catch (error) {
    throw new NetworkUnavailable(error)
  }
  if (response.status === 200) return credentialsIn(body, response.headers.get('date'), now())
  throw refusal(response, body)
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
    if (error instanceof PushError) throw error
    throw new TokenUnavailable('getToken failed', error)
  }
  if (typeof token === 'string' && token !== '') return token
  throw new TokenUnavailable('getToken gave no string')
}

/**
 * @param {string} body
 * @param {string | null} date The answer's own field.
 * @param {number} now
 * @returns {Credentials}
 */
function credentialsIn(body, date, now) {
  const value = objectIn(body)
  const { url, clientId, subscribe, publish = [], expiration, endpoint, region } = value
  const { accessKeyId, secretAccessKey, sessionToken } = objectOf(value.credentials)
  const expiresAt = Date.parse(String(expiration))
  const signable = { endpoint, region, accessKeyId, secretAccessKey, sessionToken }
  const usable =
    [url, clientId, ...Object.values(signable)].every((it) => typeof it === 'string') &&
    [url, endpoint].every((it) => /^wss?:\/\//.test(String(it))) &&
    !Number.isNaN(expiresAt) &&
    isListOfStrings(subscribe) &&
    isListOfStrings(publish) &&
    subscribe.length > 0
  if (!usable)
    throw new CredentialsUnavailable(200, 'the answer is not what the credential API promises')
  if (subscribe.length > MAX_SUBSCRIPTIONS) {
    throw new GrantRefused(
      'too_many_topics',
      `The grant lists ${subscribe.length} topics; one connection holds ${MAX_SUBSCRIPTIONS}.`
    )
  }
  const fetchedAt = serverTime(date, String(url)) ?? now
  return Object.freeze({
    url: String(url),
    clientId: String(clientId),
    subscribe,
    publish,
    fetchedAt,
    expiresAt,
    skewMs: fetchedAt - now,
    signable: /** @type {import('./sigv4.js').Signable} */ (signable)
  })
}

/**
 * @param {string | null} date Scripts of another origin see it only if the server exposes it.
 * @param {string} url Tells the time of its signature.
 * @returns {number | null} Milliseconds since 1970, to the second.
 */
function serverTime(date, url) {
  const [, ...signed] = /X-Amz-Date=(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/.exec(url) ?? []
  const [y, mo, d, h, mi, s] = signed
  const time = Date.parse(date ?? `${y}-${mo}-${d}T${h}:${mi}:${s}Z`)
  return Number.isNaN(time) ? null : time
}

/**
 * @param {Response} response
 * @param {string} body
 * @returns {PushError}
 */
function refusal(response, body) {
  const problem = objectIn(body)
  const reason = textOr(problem.reason, textOr(problem.code, 'unknown'))
  const detail = textOr(problem.detail, textOr(problem.title, ''))
  switch (response.status) {
    case 401:
      return new TokenRefused(reason, detail)
    case 403:
      return new GrantRefused(reason, detail)
    case 429:
      return new Throttled(retryAfterMs(response.headers.get('retry-after')))
    default:
      return new CredentialsUnavailable(response.status, detail || reason)
  }
}

/** @param {string | null} header Whole seconds; the date form is not used by our API. */
function retryAfterMs(header) {
  const seconds = Number(header ?? NaN)
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : DEFAULT_RETRY_AFTER_MS
}

/** @param {string} body @returns {Record<string, unknown>} Empty if the body is no JSON object. */
function objectIn(body) {
  try {
    return objectOf(JSON.parse(body))
  } catch {
    return {}
  }
}

/** @param {unknown} value @returns {Record<string, unknown>} */
function objectOf(value) {
  return typeof value === 'object' && value !== null ? Object(value) : {}
}

/** @param {unknown} value @param {string} otherwise */
function textOr(value, otherwise) {
  return typeof value === 'string' && value !== '' ? value : otherwise
}

/** @param {unknown} value @returns {value is string[]} */
function isListOfStrings(value) {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
