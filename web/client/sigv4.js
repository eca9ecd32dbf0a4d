/**
 * Sign the URL of a WebSocket to IoT Core: SigV4 with the query, over WebCrypto.
 *
 * Pure but for `crypto.subtle`. Two things set IoT Core apart from other AWS services: the session
 * token is left out of the signature and appended to it, and the time must be within five minutes
 * whatever X-Amz-Expires says, so none is sent.
 * Source: aws-iot-facts 1.3 to 1.5; AWS General Reference, Signature Version 4.
 */

/**
 * @typedef {Readonly<{endpoint: string, region: string, accessKeyId: string,
 *   secretAccessKey: string, sessionToken: string}>} Signable
 *   endpoint: `wss://host/mqtt`.
 */

const SERVICE = 'iotdevicegateway'

/** SHA-256 of nothing, the body of every handshake. */
const NOTHING = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/**
 * @param {Signable} signable
 * @param {number} now By the server's clock, milliseconds since 1970.
 * @param {SubtleCrypto} subtle
 * @returns {Promise<string>} A URL good for about five minutes.
 */
export async function signedUrl(signable, now, subtle) {
  const { endpoint, region, accessKeyId, secretAccessKey, sessionToken } = signable
  const { host, pathname } = new URL(endpoint)
  const time = new Date(now).toISOString().replace(/[-:]|\.\d+/g, '')
  const scope = [time.slice(0, 8), region, SERVICE, 'aws4_request']
  const query = [
    ['Algorithm', 'AWS4-HMAC-SHA256'],
    ['Credential', [accessKeyId, ...scope].join('/')],
    ['Date', time],
    ['SignedHeaders', 'host']
  ]
    .map(([name, value]) => `X-Amz-${name}=${encodeURIComponent(String(value))}`)
    .join('&')

  /** @param {BufferSource} secret @param {string} text */
  const hmac = async (secret, text) => {
    const algorithm = { name: 'HMAC', hash: 'SHA-256' }
    const key = await subtle.importKey('raw', secret, algorithm, false, ['sign'])
    return subtle.sign('HMAC', key, utf8(text))
  }
  const request = ['GET', pathname, query, `host:${host}`, '', 'host', NOTHING].join('\n')
  const digest = hex(await subtle.digest('SHA-256', utf8(request)))
  /** @type {BufferSource} */
  let key = utf8(`AWS4${secretAccessKey}`)
  for (const part of scope) key = await hmac(key, part)
  const toSign = ['AWS4-HMAC-SHA256', time, scope.join('/'), digest].join('\n')
  const signature = hex(await hmac(key, toSign))
  const token = encodeURIComponent(sessionToken)
  return `${endpoint}?${query}&X-Amz-Signature=${signature}&X-Amz-Security-Token=${token}`
}

/** @param {string} text */
const utf8 = (text) => new TextEncoder().encode(text)

/** @param {ArrayBuffer} bytes */
const hex = (bytes) =>
  Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('')
