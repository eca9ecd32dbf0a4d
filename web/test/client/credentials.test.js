/** Every answer of the credential API becomes credentials or one error class. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fetchCredentials, tokenFromUrl } from '../../client/credentials.js'
import * as errors from '../../client/errors.js'
import { fakeFetch, GRANT } from './fakes.js'

const NOW = Date.parse('2027-01-15T08:00:00Z')

const ask = (fetch, getToken = () => 'jwt') =>
  fetchCredentials({
    credentialsUrl: '/credentials',
    getToken,
    device: 'd1',
    fetch,
    now: () => NOW,
    signal: new AbortController().signal
  })

test('the token goes into the header, the device into the body, nothing into caches or cookies', async () => {
  const fetch = fakeFetch({})
  const credentials = await ask(fetch)
  const { url, init } = fetch.calls[0]
  assert.deepEqual(
    [url, init.method, init.headers.authorization, init.body],
    ['/credentials', 'POST', 'Bearer jwt', '{"device":"d1"}']
  )
  assert.deepEqual([init.cache, init.credentials], ['no-store', 'omit'])
  assert.deepEqual([credentials.clientId, credentials.subscribe], [GRANT.clientId, GRANT.subscribe])
  assert.equal(credentials.expiresAt, Date.parse(GRANT.expiration))
  assert.deepEqual(credentials.signable, {
    endpoint: GRANT.endpoint,
    region: GRANT.region,
    ...GRANT.credentials
  })
})

for (const [what, answer, skewMs] of [
  ['the field Date', { headers: { date: 'Fri, 15 Jan 2027 08:20:00 GMT' } }, 1_200_000],
  [
    'the time of the signed URL, where Date is hidden from scripts',
    { body: { ...GRANT, url: 'wss://b/mqtt?X-Amz-Date=20270115T074000Z&X-Amz-Signature=1' } },
    -1_200_000
  ],
  ['nothing, and is taken for right', {}, 0]
]) {
  test(`the server’s clock is read from ${what}`, async () => {
    const credentials = await ask(fakeFetch(answer))
    assert.equal(credentials.skewMs, skewMs)
    assert.equal(credentials.fetchedAt, NOW + skewMs)
  })
}

for (const [what, answer, kind, facts] of [
  [
    '401 with a reason',
    {
      status: 401,
      body: { code: 'invalid_token', reason: 'expired', detail: 'The token expired.' }
    },
    errors.TokenRefused,
    { reason: 'expired', message: 'Token refused: The token expired.', retry: true }
  ],
  [
    '403',
    { status: 403, body: { code: 'grant_refused', detail: 'Too large.' } },
    errors.GrantRefused,
    { reason: 'grant_refused', retry: false }
  ],
  [
    '429 with Retry-After',
    { status: 429, headers: { 'retry-after': '7' } },
    errors.Throttled,
    { retryAfterMs: 7_000, retry: true }
  ],
  ['429 without', { status: 429 }, errors.Throttled, { retryAfterMs: 5_000 }],
  [
    '502',
    { status: 502, body: { code: 'sts_unavailable', detail: 'STS.' } },
    errors.CredentialsUnavailable,
    { status: 502, retry: true }
  ],
  ['503 in HTML', { status: 503, body: '<html>' }, errors.CredentialsUnavailable, { status: 503 }],
  ['200 in HTML', { body: '<html>' }, errors.CredentialsUnavailable, { status: 200 }],
  ['200 without a URL', { body: { ...GRANT, url: undefined } }, errors.CredentialsUnavailable, {}],
  [
    '200 with a URL of another scheme',
    { body: { ...GRANT, url: 'javascript:1' } },
    errors.CredentialsUnavailable,
    {}
  ],
  [
    '200 without a secret',
    { body: { ...GRANT, credentials: { accessKeyId: 'a', sessionToken: 'b' } } },
    errors.CredentialsUnavailable,
    {}
  ],
  ['200 without an expiration', { body: { ...GRANT, expiration: 'soon' } }, errors.CredentialsUnavailable, {}],
  [
    '200 with nothing to receive',
    { body: { ...GRANT, subscribe: [] } },
    errors.CredentialsUnavailable,
    {}
  ],
  [
    'more topics than a connection holds',
    { body: { ...GRANT, subscribe: Array(51).fill('ns/x') } },
    errors.GrantRefused,
    { reason: 'too_many_topics' }
  ],
  ['no answer', new TypeError('Failed to fetch'), errors.NetworkUnavailable, { retry: true }]
]) {
  test(`${what} is ${kind.name}`, async () => {
    await assert.rejects(ask(fakeFetch(answer)), (error) => {
      assert.ok(error instanceof kind && error instanceof errors.PushError)
      for (const [name, value] of Object.entries(facts)) assert.equal(error[name], value)
      return true
    })
  })
}

for (const [what, getToken] of [
  [
    'throws',
    () => {
      throw new Error('signed out')
    }
  ],
  [
    'rejects',
    async () => {
      throw new Error('signed out')
    }
  ],
  ['gives nothing', () => undefined],
  ['gives an empty string', () => '']
]) {
  test(`getToken that ${what} is TokenUnavailable, and nothing is sent`, async () => {
    const fetch = fakeFetch({})
    await assert.rejects(ask(fetch, getToken), errors.TokenUnavailable)
    assert.equal(fetch.calls.length, 0)
  })
}

test('a token URL is POSTed to, and its failure is TokenUnavailable', async () => {
  const good = fakeFetch({ body: { token: 'abc' } })
  assert.equal(await tokenFromUrl('/token', good)(), 'abc')
  assert.equal(good.calls[0].init.method, 'POST')
  await assert.rejects(
    tokenFromUrl('/token', fakeFetch({ status: 500, body: {} }))(),
    errors.TokenUnavailable
  )
})

test('no error tells the token or the signed URL', async () => {
  for (const answer of [{ status: 401, body: {} }, { status: 500, body: {} }, new TypeError('x')]) {
    await assert.rejects(
      ask(fakeFetch(answer), () => 'secret-jwt'),
      (error) => !`${error} ${error.stack}`.includes('secret-jwt')
    )
  }
})
