/**
 * The life of a client as a table: phase × happening → next phase, actions.
 *
 * Theory of operation. The machine knows no sockets, timers or clocks. The shell (client.js) tells
 * it what happened and carries out the actions it answers with, in order. Everything that decides
 * whether and when to try again is in this file:
 *
 * - each attempt starts at `fetching`: new credentials come before every connection (held ones are
 *   used only while the credential API cannot be reached, attempt.js);
 * - `failures` counts attempts in a row and feeds the backoff; it is forgotten only when a
 *   connection has proved `stable`, so a broker that accepts and drops us is not hammered;
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
 *     asleep        waiting       the page went away, perhaps to come back
 *     closed        closed        close() or a refusal that trying again cannot cure
 */

/**
 * @typedef {'idle'|'fetching'|'opening'|'subscribing'|'connected'|'renewing'|'rolling'|'replacing'
 *   |'waiting'|'asleep'|'closed'} Phase
 * @typedef {'idle'|'connecting'|'connected'|'waiting'|'closed'} State
 * @typedef {'connect'|'close'|'credentials'|'opened'|'subscribed'|'stable'|'failed'|'lost'
 *   |'excluded'|'throttled'|'denied'|'token_expired'|'refused'|'taken_over'|'elapsed'|'wake'
 *   |'offline'|'sleep'|'due'|'renewed'|'postponed'} Happening
 * @typedef {'fetch'|'open'|'subscribe'|'settle'|'drop'|'leave'|'rest'|'backoff'|'probe'|'renew'
 *   |'adopt'|'unroll'|'retire'} Action
 * @typedef {{phase: Phase, failures: number, expiredTokens: number, denials: number,
 *   subscribeLosses: number, patient: boolean}} Machine
 *   patient: the wait was ordered by the server (429); waking up does not cut it short.
 */

/** @type {Readonly<Machine>} */
export const INITIAL = Object.freeze({
  phase: 'idle',
  failures: 0,
  expiredTokens: 0,
  denials: 0,
  subscribeLosses: 0,
  patient: false
})

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
  asleep: 'waiting',
  closed: 'closed'
})

/** Closes in a row while subscribing that are taken as "this grant is refused". */
export const MAX_SUBSCRIBE_LOSSES = 3

/** Refused CONNECTs in a row, each with new credentials, that are taken as final. */
export const MAX_DENIALS = 3

/** @typedef {Readonly<[Phase, ...Action[]]>} Move */

/** @type {Move} */
const RETRY = ['waiting', 'drop', 'backoff']
/** @type {Move} */
const END = ['closed', 'drop', 'rest']
/** @type {Move} */
const FETCH = ['fetching', 'drop', 'fetch']
/** @typedef {Readonly<Partial<Record<Happening, Move>>>} Row */
/** @type {Row} */
const ATTEMPT = {
  close: ['closed', 'leave', 'rest'],
  failed: RETRY,
  lost: RETRY,
  excluded: RETRY,
  throttled: RETRY,
  denied: RETRY,
  token_expired: RETRY,
  refused: END,
  taken_over: END,
  sleep: ['asleep', 'drop']
}
/** @type {Move} */
const POSTPONE = ['connected', 'unroll']

/** @type {Readonly<Record<Phase, Row>>} A pair not listed changes nothing. */
export const TABLE = Object.freeze({
  idle: { connect: ['fetching', 'fetch'], close: ['closed'] },
  fetching: { ...ATTEMPT, credentials: ['opening', 'open'] },
  opening: { ...ATTEMPT, opened: ['subscribing', 'subscribe'] },
  subscribing: { ...ATTEMPT, subscribed: ['connected', 'settle'] },
  connected: {
    ...ATTEMPT,
    stable: ['connected'],
    wake: ['connected', 'probe'],
    offline: ['connected', 'probe'],
    due: ['renewing', 'renew']
  },
  renewing: {
    ...ATTEMPT,
    stable: ['renewing'],
    wake: ['renewing', 'probe'],
    offline: ['renewing', 'probe'],
    renewed: ['connected', 'adopt'],
    credentials: ['rolling', 'open'],
    postponed: POSTPONE,
    token_expired: POSTPONE
  },
  rolling: {
    ...ATTEMPT,
    stable: ['rolling'],
    wake: ['rolling', 'probe'],
    offline: ['rolling', 'probe'],
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
  waiting: {
    close: ['closed', 'leave', 'rest'],
    connect: FETCH,
    elapsed: FETCH,
    wake: FETCH,
    sleep: ['asleep', 'drop']
  },
  asleep: { close: ['closed', 'leave', 'rest'], connect: FETCH, wake: FETCH },
  closed: { connect: ['fetching', 'fetch'] }
})

/**
 * Tell the machine what happened.
 *
 * @param {Readonly<Machine>} machine
 * @param {Happening} happening
 * @returns {{machine: Readonly<Machine>, actions: readonly Action[], moved: boolean}} moved: the
 *   pair stands in the table; otherwise machine is the one given and there is nothing to do.
 */
export function step(machine, happening) {
  if (happening === 'wake' && machine.phase === 'waiting' && machine.patient) return stay(machine)
  const counted = count(machine, happening)
  const move = TABLE[machine.phase][verdict(counted, happening)]
  if (move === undefined) return stay(machine)
  const [phase, ...actions] = move
  return { machine: Object.freeze({ ...counted, phase }), actions, moved: true }
}

/** @param {Readonly<Machine>} machine */
function stay(machine) {
  return { machine, actions: [], moved: false }
}

/**
 * The happening after the counters have had their say.
 *
 * @param {Machine} machine
 * @param {Happening} happening
 * @returns {Happening}
 */
function verdict(machine, happening) {
  if (happening === 'token_expired' && machine.expiredTokens > 1) return 'refused'
  if (happening === 'lost' && machine.subscribeLosses >= MAX_SUBSCRIBE_LOSSES) return 'refused'
  if (happening === 'denied' && machine.denials >= MAX_DENIALS) return 'refused'
  return happening
}

/**
 * @param {Readonly<Machine>} machine
 * @param {Happening} happening
 * @returns {Machine}
 */
function count(machine, happening) {
  const failed = { ...machine, failures: machine.failures + 1, patient: false }
  switch (happening) {
    case 'connect':
      return machine.phase === 'closed' ? { ...INITIAL, phase: machine.phase } : { ...machine }
    case 'credentials':
    case 'renewed':
      return { ...machine, expiredTokens: 0 }
    case 'subscribed':
      return { ...machine, subscribeLosses: 0, denials: 0 }
    case 'stable':
      return { ...machine, failures: 0 }
    case 'failed':
      return failed
    case 'excluded':
      return { ...failed, subscribeLosses: 0 }
    case 'denied':
      return { ...failed, denials: machine.denials + 1 }
    case 'lost': {
      const isSilent = machine.phase === 'subscribing' || machine.phase === 'replacing'
      return { ...failed, subscribeLosses: machine.subscribeLosses + (isSilent ? 1 : 0) }
    }
    case 'throttled':
      return { ...failed, patient: true }
    case 'token_expired':
      return { ...failed, expiredTokens: machine.expiredTokens + 1 }
    default:
      return { ...machine }
  }
}
