/** The demo's pure parts: what is sent, how it is quoted, how it is shown, who is remembered. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { offered } from '../../demo/addresses.js'
import { curlLine, dataFrom, recipients } from '../../demo/compose.js'
import { Flights, MAX_FLIGHTS } from '../../demo/flights.js'
import { counted, duration, MAX_SHOWN_CHARS, shownData, shownPayload } from '../../demo/format.js'
import { outcomeOf } from '../../demo/outcome.js'
import {
  fromForm,
  fromPreset,
  leaveRoster,
  PRESETS,
  takeRoster,
  titleOf
} from '../../demo/roster.js'
import { isDevice } from '../../client/device.js'
import { FakeStorage } from '../client/fakes.js'

test('one address is sent as a text, several as a list', () => {
  assert.equal(recipients(' user:42 '), 'user:42')
  assert.deepEqual(recipients('user:42, everyone,'), ['user:42', 'everyone'])
  assert.deepEqual(recipients(' '), [])
})

test('what is no JSON goes out as one string', () => {
  assert.deepEqual(dataFrom('{"a":1}'), { data: { a: 1 }, isJson: true })
  assert.deepEqual(dataFrom('Hi!'), { data: 'Hi!', isJson: false })
  assert.deepEqual(dataFrom('  '), { data: null, isJson: true })
})

test('the curl line brings the event through a shell unchanged', () => {
  const event = { to: 'user:42', type: 't', data: `it's "$HOME" \`id\` \\ \n!` }
  const line = curlLine({ gatewayUrl: 'http://127.0.0.1:8080', serviceKey: "k'1", event })
  const argv = execFileSync('sh', ['-c', `curl() { printf '%s\\0' "$@"; }; ${line}`], {
    encoding: 'utf8'
  }).split('\0')
  assert.equal(argv[1], 'http://127.0.0.1:8080/v1/events')
  assert.equal(argv[3], "Authorization: Bearer k'1")
  assert.deepEqual(JSON.parse(argv[7]), event)
})

test('offered addresses stand once, from wide to narrow, without subtrees', () => {
  const addresses = [
    'client:local.b.x',
    'user:b',
    'everyone',
    'group:orders/*',
    'group:staff',
    'user:a',
    'user:b'
  ]
  assert.deepEqual(offered(addresses), [
    'everyone',
    'group:staff',
    'user:a',
    'user:b',
    'client:local.b.x'
  ])
})

test('durations are short and never negative', () => {
  assert.deepEqual([-3, 0.04, 9.94, 10.4, 999, 1_500, 120_000].map(duration), [
    '0.0 ms',
    '0.0 ms',
    '9.9 ms',
    '10 ms',
    '999 ms',
    '1.5 s',
    '2 min'
  ])
})

test('payloads are shown as they are, long ones cut with the rest counted', () => {
  assert.equal(shownData({ a: '<b>' }), '{"a":"<b>"}')
  assert.equal(shownData(null), 'null')
  assert.match(shownData('x'.repeat(MAX_SHOWN_CHARS + 5)), /^x{2000}… and 5 more characters$/)
  assert.equal(shownPayload({ text: null, bytes: new Uint8Array(3) }), '3 bytes that are no text')
  assert.deepEqual([counted(1, 'client'), counted(2, 'client')], ['1 client', '2 clients'])
})

test('a flight counts its arrivals and forgets the oldest', () => {
  const flights = new Flights()
  const shown = []
  flights.start('a', 100, (count) => shown.push(count))
  assert.equal(flights.arrive('a', 103.5), 3.5)
  flights.arrive('a', 104)
  assert.deepEqual(shown, [1, 2])
  assert.equal(flights.arrive('of somebody else', 0), null)
  for (let n = 0; n < MAX_FLIGHTS; n += 1) flights.start(`b${n}`, 0, () => {})
  assert.equal(flights.arrive('a', 105), null)
})

test('presets get devices the API takes, and two of the same preset differ', () => {
  for (const preset of PRESETS) assert.ok(isDevice(fromPreset(preset).device))
  assert.notEqual(fromPreset(PRESETS[0]).device, fromPreset(PRESETS[0]).device)
})

test('the form gives a member; without a device the client makes one', () => {
  const member = fromForm({ user: ' 42 ', device: '', groups: 'orders/eu, staff,staff ,' })
  assert.deepEqual(member, {
    name: '42',
    where: '',
    user: '42',
    device: null,
    groups: ['orders/eu', 'staff']
  })
  assert.equal(titleOf(fromForm({ user: '42', device: 'tab', groups: '' })), '42 on tab')
})

test('the roster survives a reload and is taken by one page only', () => {
  const storage = new FakeStorage()
  leaveRoster(storage, PRESETS)
  assert.deepEqual(takeRoster(storage), [...PRESETS])
  assert.deepEqual(takeRoster(storage), [])
})

test('a meddled roster is an empty one', () => {
  for (const text of ['{', '{}', '[null, 1, {"name": "x"}]']) {
    const storage = new FakeStorage()
    storage.setItem('demo.roster', text)
    assert.deepEqual(takeRoster(storage), [])
  }
})

for (const [what, answer, expected] of [
  [
    'a published event',
    {
      ok: true,
      status: 200,
      body: { status: 'published', addresses: { everyone: { state: 'published' } } }
    },
    ['200 published in 5 ms', null, 'good']
  ],
  [
    'an accepted event',
    { ok: true, status: 202, body: { status: 'accepted' } },
    ['202 accepted in 5 ms', null, 'good']
  ],
  [
    'an event of which a part failed',
    {
      ok: true,
      status: 200,
      body: {
        status: 'failed',
        addresses: {
          everyone: { state: 'published' },
          'user:7': { state: 'failed', error: { detail: 'no time' } }
        }
      }
    },
    ['200 failed in 5 ms', 'user:7: no time', 'bad']
  ],
  [
    'an invalid event',
    {
      ok: false,
      status: 400,
      body: { code: 'invalid_event', errors: [{ pointer: '/to', detail: 'is required' }] }
    },
    ['400 invalid_event', 'to: is required', 'bad']
  ],
  [
    'a misspelt field',
    {
      ok: false,
      status: 400,
      body: {
        code: 'invalid_event',
        errors: [{ pointer: '/too', detail: 'is not a field of an event', hint: 'to' }]
      }
    },
    ['400 invalid_event', 'too: is not a field of an event; did you mean to?', 'bad']
  ],
  [
    'a key that may not',
    { ok: false, status: 403, body: { code: 'not_allowed', detail: 'not yours' } },
    ['403 not_allowed', 'not yours', 'bad']
  ],
  [
    'an answer without a body',
    { ok: false, status: 502, body: {} },
    ['502 refused', 'No reason was given.', 'bad']
  ],
  ['no answer', { ok: false, status: 0, body: { detail: 'gone' } }, ['No answer', 'gone', 'bad']]
]) {
  test(`${what} is told in two lines`, () => {
    const { title, detail, tone } = outcomeOf(answer, '5 ms')
    assert.deepEqual([title, detail, tone], expected)
  })
}
