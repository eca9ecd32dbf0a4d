/**
 * The life of a client as a table: phase × happening → next phase, actions.
 *
 * Theory of operation. The machine knows no sockets, timers or clocks. The shell (link.js) tells
 * it what happened and carries out the actions it answers with, in order. Everything that decides
 * whether and when to try again is in this file:
 *
 * - each attempt starts at `fetching`: new credentials come before every connection (held ones are
 *   used only while the credential API cannot be reached, attempt.js);
 * - `failures` counts attempts in a row and feeds the backoff; it is forgotten only once a
 *   connection has proved stable, so a broker that accepts and drops us is not hammered;
 * - on MQTT 3.1.1 IoT Core answers a forbidden SUBSCRIBE by closing the connection without a word
 *   (aws-iot-device-sdk-js#125). Closes in a row while subscribing end the client instead of
 *   looping for ever, unless the forbidden topic was found out (`excluded`) and is left out.
 *   A timeout or a refused connection does not count: only an accepted one that is lost;
 * - a refused CONNECT (`denied`) is tried with new credentials, but not for ever;
 * - an expired token is asked for anew once; refused twice in a row, it is final;
 * - being taken over or kicked is final: two clients with one id would throw each other out.
 *
 * A live connection is looked after without the page noticing: when it is `due`, new credentials
 * are fetched (`renewing`) and adopted. If the connection is too old, or the grant has changed, a
 * second one is opened beside it (`rolling`). The broker gives the session to the second at its
 * CONNECT and throws the first out (3.1.1: without a word), whichever we hear of first
 * (`replacing`); nothing is lost, for what the first did not acknowledge the second gets.
 *
 * What it does not do: measure time, hold errors, know topics.
 *
 *     phase         state shown   meaning
 *     idle          idle          made, connect() not called yet
 *     fetching      connecting    token and credentials
 *     opening       connecting    WebSocket and MQTT CONNECT
 *     subscribing   connecting    SUBSCRIBE sent, not all answered
 *     connected     connected
 *     renewing      connected     fetching new credentials beside a live connection
 *     rolling       connected     opening a second connection beside it
 *     replacing     connected     the second has the session, its subscriptions are checked
 *     waiting       waiting       backoff runs
 *     ordered       waiting       the server ordered a pause (429); waking up does not cut it short
 *     asleep        waiting       the page went away, perhaps to come back
 *     closed        closed        close() or a refusal that trying again cannot cure
 */

/**
 * @typedef {'idle'|'fetching'|'opening'|'subscribing'|'connected'|'renewing'|'rolling'|'replacing'
 *   |'waiting'|'ordered'|'asleep'|'closed'} Phase
 * @typedef {'idle'|'connecting'|'connected'|'waiting'|'closed'} State
 * @typedef {'connect'|'close'|'credentials'|'opened'|'subscribed'|'failed'|'lost'|'excluded'
 *   |'throttled'|'denied'|'token_expired'|'refused'|'taken_over'|'elapsed'|'wake'|'offline'|'sleep'
 *   |'due'|'renewed'|'postponed'} Happening
 * @typedef {'fetch'|'open'|'subscribe'|'settle'|'drop'|'leave'|'rest'|'backoff'|'probe'|'renew'
 *   |'adopt'|'unroll'|'retire'} Action
 * @typedef {{failures: number, lost: number, denied: number, token_expired: number}} Counts
 *   failures: attempts in a row; the others: how many in a row ended in that way.
 * @typedef {Counts & {phase: Phase}} Machine
 */

/** @type {Readonly<Counts>} */
const NONE = { failures: 0, lost: 0, denied: 0, token_expired: 0 }

/** @type {Readonly<Machine>} */
export const INITIAL = Object.freeze({ ...NONE, phase: 'idle' })

/** @type {Readonly<Record<Phase, State>>} */
export const STATE_OF = Object.freeze({
  idle: 'idle',
  fetching: 'connecting',
  opening: 'connecting',
  subscribing: 'connecting',
  connected: 'connected',
  renewing: 'connected',
  rolling: 'connected',
  replacing: 'connected',
  waiting: 'waiting',
  ordered: 'waiting',
  asleep: 'waiting',
  closed: 'closed'
})

/**
 * So many in a row are final: closes while subscribing mean "this grant is refused"; CONNECT was
 * refused each time with new credentials.
 *
 * @type {Readonly<Partial<Record<Happening, number>>>}
 */
export const LIMITS = { lost: 3, denied: 3, token_expired: 2 }

/** @type {Readonly<Partial<Record<Happening, Partial<Counts>>>>} What starts to count from 0 again. */
const FORGETS = {
  credentials: { token_expired: 0 },
  renewed: { token_expired: 0 },
  subscribed: { lost: 0, denied: 0 },
  excluded: { lost: 0 }
}

/** @typedef {Readonly<[Phase | null, ...Action[]]>} Move null: stay. */
/** @typedef {Readonly<Partial<Record<Happening, Move>>>} Row */

/** @type {Move} */
const RETRY = ['waiting', 'drop', 'backoff']
/** @type {Move} */
const END = ['closed', 'drop', 'rest']
/** @type {Move} */
const FETCH = ['fetching', 'drop', 'fetch']
/** @type {Move} */
const POSTPONE = ['connected', 'unroll']
/** @type {Row} */
const AWAY = { close: ['closed', 'leave', 'rest'], connect: FETCH }
/** @type {Row} */
const PAUSE = { ...AWAY, elapsed: FETCH, sleep: ['asleep', 'drop'] }
/** @type {Row} */
const ATTEMPT = {
  close: AWAY.close,
  sleep: PAUSE.sleep,
  failed: RETRY,
  lost: RETRY,
  excluded: RETRY,
  throttled: ['ordered', 'drop', 'backoff'],
  denied: RETRY,
  token_expired: RETRY,
  refused: END,
  taken_over: END
}

/** @type {Row} With a connection that is in use. */
const LIVE = { ...ATTEMPT, wake: [null, 'probe'], offline: [null, 'probe'] }

/** @type {Readonly<Record<Phase, Row>>} A pair not listed changes nothing. */
const TABLE = {
  idle: { connect: ['fetching', 'fetch'], close: ['closed'] },
  fetching: { ...ATTEMPT, credentials: ['opening', 'open'] },
  opening: { ...ATTEMPT, opened: ['subscribing', 'subscribe'] },
  subscribing: { ...ATTEMPT, subscribed: ['connected', 'settle'] },
  connected: { ...LIVE, due: ['renewing', 'renew'] },
  renewing: {
    ...LIVE,
    renewed: ['connected', 'adopt'],
    credentials: ['rolling', 'open'],
    postponed: POSTPONE,
    token_expired: POSTPONE
  },
  rolling: {
    ...LIVE,
    opened: ['replacing', 'retire', 'subscribe'],
    taken_over: ['replacing'],
    lost: ['replacing'],
    postponed: POSTPONE
  },
  replacing: {
    ...ATTEMPT,
    opened: ['replacing', 'retire', 'subscribe'],
    subscribed: ['connected', 'settle']
  },
  waiting: { ...PAUSE, wake: FETCH },
  ordered: PAUSE,
  asleep: { ...AWAY, wake: FETCH },
  closed: { connect: ['fetching', 'fetch'] }
}

/**
 * Tell the machine what happened.
 *
 * @param {Readonly<Machine>} machine
 * @param {Happening} happening
 * @param {boolean} [isStable] Whether the connection has lasted so long that failures before it
 *   are forgotten.
 * @returns {{machine: Readonly<Machine>, actions: readonly Action[], moved: boolean}} moved: the
 *   pair stands in the table; otherwise machine is the one given and there is nothing to do.
 */
export function step(machine, happening, isStable = false) {
  const counts = count(machine, happening, isStable)
  /** @type {Readonly<Partial<Record<Happening, number>>>} */
  const inARow = counts
  const isFinal = (inARow[happening] ?? 0) >= (LIMITS[happening] ?? Infinity)
  const move = TABLE[machine.phase][isFinal ? 'refused' : happening]
  if (move === undefined) return { machine, actions: [], moved: false }
  const [next, ...actions] = move
  const phase = next ?? machine.phase
  if (actions.includes('backoff')) counts.failures += 1
  return { machine: Object.freeze({ ...counts, phase }), actions, moved: true }
}

/**
 * @param {Readonly<Machine>} machine
 * @param {Happening} happening
 * @param {boolean} isStable
 * @returns {Counts} But for what the move adds.
 */
function count({ phase, ...counts }, happening, isStable) {
  if (phase === 'closed') return { ...NONE }
  if (isStable) counts.failures = 0
  if (happening === 'denied' || happening === 'token_expired') counts[happening] += 1
  if (happening === 'lost' && (phase === 'subscribing' || phase === 'replacing')) counts.lost += 1
  return { ...counts, ...FORGETS[happening] }
}
