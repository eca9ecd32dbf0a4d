/** The signer against the specification, done step by step with Node’s own HMAC. */
import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { test } from 'node:test'
import { signedUrl } from '../../client/sigv4.js'

const SIGNABLE = {
  endpoint: 'wss://abc-ats.iot.eu-central-1.amazonaws.com/mqtt',
  region: 'eu-central-1',
  accessKeyId: 'ASIAEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: 'a+b/c=='
}
const NOW = Date.UTC(2026, 10, 23, 9, 5, 7, 890)

test('the URL carries what IoT Core asks for, the token last and outside the signature', async () => {
  const url = new URL(await signedUrl(SIGNABLE, NOW, crypto.subtle))
  assert.deepEqual(
    [...url.searchParams.keys()],
    'Algorithm Credential Date SignedHeaders Signature Security-Token'
      .split(' ')
      .map((it) => `X-Amz-${it}`)
  )
  assert.equal(url.searchParams.get('X-Amz-Date'), '20261123T090507Z')
  assert.equal(url.searchParams.get('X-Amz-Security-Token'), SIGNABLE.sessionToken)
  const other = await signedUrl({ ...SIGNABLE, sessionToken: 'x' }, NOW, crypto.subtle)
  assert.equal(
    new URL(other).searchParams.get('X-Amz-Signature'),
    url.searchParams.get('X-Amz-Signature')
  )
})

for (const endpoint of [SIGNABLE.endpoint, 'ws://127.0.0.1:8081/mqtt']) {
  test(`the signature for ${new URL(endpoint).protocol} is that of the specification`, async () => {
    const url = await signedUrl({ ...SIGNABLE, endpoint }, NOW, crypto.subtle)
    const [query, signature] = url.split('?')[1].split('&X-Amz-Signature=')
    const request = `GET\n/mqtt\n${query}\nhost:${new URL(endpoint).host}\n\nhost\n${sha256('')}`
    const scope = '20261123/eu-central-1/iotdevicegateway/aws4_request'
    const toSign = `AWS4-HMAC-SHA256\n20261123T090507Z\n${scope}\n${sha256(request)}`
    const key = scope
      .split('/')
      .reduce((secret, part) => hmac(secret, part), `AWS4${SIGNABLE.secretAccessKey}`)
    assert.equal(signature.split('&')[0], hmac(key, toSign).toString('hex'))
  })
}

const sha256 = (text) => createHash('sha256').update(text).digest('hex')
const hmac = (key, text) => createHmac('sha256', key).update(text).digest()
