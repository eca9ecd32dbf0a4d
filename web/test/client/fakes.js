/**
 * A whole browser in memory for the client's tests: timers, sockets, fetch, storage, page events.
 *
 * Nothing here waits or touches the network. The MQTT bytes are written out by hand from the
 * specification, so that the codec library is checked against something other than itself.
 */

/**
 * Bytes of the packets a broker sends, of either version.
 *
 * @param {'5'|'3.1.1'} version
 */
export function brokerOf(version) {
  const props = version === '5' ? [0] : []
  const packet = (head, ...body) => {
    const size = body.length
    const length = size < 128 ? [size] : [(size & 0x7f) | 0x80, size >> 7]
    return Uint8Array.of(head, ...length, ...body)
  }
  return {
    connack: (code = 0, isResumed = false) => packet(0x20, Number(isResumed), code, ...props),
    suback: (packetId, ...codes) =>
      packet(0x90, packetId >> 8, packetId & 0xff, ...props, ...codes),
    unsuback: (packetId, code = 0) =>
      packet(0xb0, packetId >> 8, packetId & 0xff, ...props, ...(version === '5' ? [code] : [])),
    puback: (packetId, code) =>
      packet(0x40, packetId >> 8, packetId & 0xff, ...(code === undefined ? [] : [code])),
    pingresp: () => packet(0xd0),
    disconnect: (code) => packet(0xe0, code),
    publish(topic, payload, packetId = 0) {
      const name = new TextEncoder().encode(topic)
      const data = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload
      const id = packetId === 0 ? [] : [packetId >> 8, packetId & 0xff]
      const head = packetId === 0 ? 0x30 : 0x32
      return packet(head, name.length >> 8, name.length & 0xff, ...name, ...id, ...props, ...data)
    }
  }
}

export const broker = brokerOf('5')

export class FakeSocket {
  /** @type {FakeSocket[]} */
  static made = []
  readyState = 0
  binaryType = 'blob'
  /** @type {Uint8Array[]} */
  sent = []
  onopen = null
  onmessage = null
  onclose = null

  constructor(url, protocols) {
    this.url = url
    this.protocols = protocols
    FakeSocket.made.push(this)
  }

  send(bytes) {
    this.sent.push(new Uint8Array(bytes))
  }

  close() {
    this.readyState = 3
  }

  /** The handshake succeeds. */
  open() {
    this.readyState = 1
    this.onopen?.({})
  }

  /** The broker sends bytes, in one frame. */
  receive(bytes) {
    this.onmessage?.({
      data: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
    })
  }

  /** The connection ends from the other side. */
  die(code = 1006, reason = '') {
    this.readyState = 3
    this.onclose?.({ code, reason })
  }

  /** Types (high nibble of the first byte) of the packets sent. */
  get sentTypes() {
    return this.sent.map((bytes) => bytes[0] >> 4)
  }
}

export class FakeTimers {
  now = 1_800_000_000_000
  #next = 1
  #timers = new Map()

  setTimeout = (fn, ms) => {
    const id = this.#next++
    this.#timers.set(id, { at: this.now + ms, fn })
    return id
  }

  clearTimeout = (id) => void this.#timers.delete(id)

  /** Let time pass; timers fire in order, at their time. */
  advance(ms) {
    const end = this.now + ms
    for (;;) {
      const due = [...this.#timers]
        .filter(([, it]) => it.at <= end)
        .sort((a, b) => a[1].at - b[1].at)[0]
      if (due === undefined) break
      this.now = due[1].at
      this.#timers.delete(due[0])
      due[1].fn()
    }
    this.now = end
  }

  /** Let time pass until the next timer, and fire that one alone. */
  fireNext() {
    const [id, { at, fn }] = [...this.#timers].sort((a, b) => a[1].at - b[1].at)[0]
    this.#timers.delete(id)
    this.now = at
    fn()
  }

  get pending() {
    return this.#timers.size
  }
}

export class FakeStorage {
  values = new Map()
  getItem = (key) => this.values.get(key) ?? null
  setItem = (key, value) => void this.values.set(key, String(value))
  removeItem = (key) => void this.values.delete(key)
}

export const GRANT = {
  endpoint: 'wss://broker.example/mqtt',
  region: 'eu-central-1',
  credentials: { accessKeyId: 'ASIA1', secretAccessKey: 'secret', sessionToken: 'token' },
  url: 'wss://broker.example/mqtt?X-Amz-Signature=1',
  clientId: 'ns.42.phone',
  expiration: '2027-01-15T09:00:00Z',
  subscribe: ['ns/client/ns.42.phone', 'ns/user/42', 'ns/everyone', 'ns/group/orders/#'],
  publish: []
}

/** A fetch that answers from a list, then keeps giving the last answer. */
export function fakeFetch(...answers) {
  const calls = []
  const fetch = async (url, init) => {
    const answer = answers[Math.min(calls.length, answers.length - 1)]
    calls.push({ url, init })
    if (answer instanceof Error) throw answer
    const { status = 200, body = GRANT, headers = {} } = answer
    return new Response(typeof body === 'string' ? body : JSON.stringify(body), { status, headers })
  }
  return Object.assign(fetch, { calls })
}

export class FakeDocument extends EventTarget {
  visibilityState = 'visible'
}

/** @returns an Environment of fakes, with `timers` and `fetch` at hand. */
export function fakeEnvironment(...answers) {
  const timers = new FakeTimers()
  FakeSocket.made = []
  return {
    WebSocket: FakeSocket,
    fetch: fakeFetch(...(answers.length > 0 ? answers : [{}])),
    setTimeout: timers.setTimeout,
    clearTimeout: timers.clearTimeout,
    now: () => timers.now,
    random: () => 0.5,
    subtle: null, // signed by the server: nothing to wait for
    storage: new FakeStorage(),
    page: new EventTarget(),
    document: new FakeDocument(),
    timers
  }
}

/** Let promises settle: no timer, no wall clock. */
export async function settled() {
  for (let turn = 0; turn < 20; turn += 1) await null
  await new Promise((resolve) => setImmediate(resolve))
}

export const latestSocket = () => FakeSocket.made.at(-1)

/** Take the newest socket from its handshake to an answered SUBSCRIBE, if it sends one. */
export async function accept({ isResumed = false, socket = latestSocket(), from = broker } = {}) {
  socket.open()
  const before = socket.sent.length
  socket.receive(from.connack(0, isResumed))
  for (const sent of socket.sent.slice(before)) {
    if (sent[0] === 0x82) socket.receive(from.suback(idOf(sent), 1, 1, 1, 1))
  }
  await settled()
}

/** Packet id of a SUBSCRIBE that was sent. */
export const idOf = (bytes) => (bytes[2] << 8) | bytes[3]

/** A CloudEvents envelope as the gateway writes it. */
export const envelope = (id, more = {}) =>
  JSON.stringify({
    specversion: '1.0',
    id,
    source: 'serverless-websockets/orders',
    type: 'order.shipped',
    time: '2026-11-23T10:00:00.250Z',
    data: { n: id },
    ...more
  })
