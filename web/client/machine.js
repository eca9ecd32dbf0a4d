/**
 * The life of a client as a table: phase × happening → next phase, actions.
 *
 * Theory of operation. The machine knows no sockets, timers or clocks. The shell (client.js) tells
 * it what happened and carries out the actions it answers with, in order. Everything that decides
 * whether and when to try again is in this file:
 *
 * - each attempt starts at `fetching`: credentials are never used for two connections, because a
 *   signed URL dies after about five minutes and its credentials within the hour;
 * - `failures` counts attempts in a row and feeds the backoff; it is forgotten only when a
 *   connection has proved `stable`, so a broker that accepts and drops us is not hammered;
 * - on MQTT 3.1.1 IoT Core answers a forbidden SUBSCRIBE by closing the connection without a word
 *   (aws-iot-device-sdk-js#125). Three such closes in a row while subscribing end the client
 *   instead of looping for ever;
 *   A timeout or a refused connection does not count: only an accepted one that is lost;
 * - an expired token is asked for anew once; refused twice in a row, it is final.
 *
 * What it does not do: measure time, hold errors, know topics.
 *
 *     phase         state shown   meaning
 *     idle          idle          made, connect() not called yet
 *     fetching      connecting    token and credentials
 *     opening       connecting    WebSocket and MQTT CONNECT
 *     subscribing   connecting    SUBSCRIBE sent, not all answered
 *     connected     connected
 *     waiting       waiting       backoff runs
 *     closed        closed        close() or a refusal that trying again cannot cure
 */

/**
 * @typedef {'idle'|'fetching'|'opening'|'subscribing'|'connected'|'waiting'|'closed'} Phase
 * @typedef {'idle'|'connecting'|'connected'|'waiting'|'closed'} State
 * @typedef {'connect'|'close'|'credentials'|'opened'|'subscribed'|'stable'|'failed'|'lost'
 *   |'throttled'|'token_expired'|'refused'|'elapsed'|'wake'} Happening
 * @typedef {'fetch'|'open'|'subscribe'|'settle'|'drop'|'rest'|'backoff'|'probe'} Action
 * @typedef {{phase: Phase, failures: number, expiredTokens: number, subscribeLosses: number,
 *   patient: boolean}} Machine
 *   patient: the wait was ordered by the server (429); waking up does not cut it short.
 */

/** @type {Readonly<Machine>} */
export const INITIAL = Object.freeze({
  phase: 'idle',
  failures: 0,
  expiredTokens: 0,
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
  waiting: 'waiting',
  closed: 'closed'
})

/** Closes in a row while subscribing that are taken as "this grant is refused". */
export const MAX_SUBSCRIBE_LOSSES = 3

/** @typedef {Readonly<[Phase, ...Action[]]>} Move */

/** @type {Move} */
const RETRY = ['waiting', 'drop', 'backoff']
/** @type {Move} */
const END = ['closed', 'drop', 'rest']
/** @type {Readonly<Partial<Record<Happening, Move>>>} */
const ATTEMPT = {
  close: END,
  failed: RETRY,
  lost: RETRY,
  throttled: RETRY,
  token_expired: RETRY,
  refused: END
}

/** @type {Readonly<Record<Phase, Readonly<Partial<Record<Happening, Move>>>>>} A pair not listed changes nothing. */
export const TABLE = Object.freeze({
  idle: { connect: ['fetching', 'fetch'], close: ['closed'] },
  fetching: { ...ATTEMPT, credentials: ['opening', 'open'] },
  opening: { ...ATTEMPT, opened: ['subscribing', 'subscribe'] },
  subscribing: { ...ATTEMPT, subscribed: ['connected', 'settle'] },
  connected: { ...ATTEMPT, stable: ['connected'], wake: ['connected', 'probe'] },
  waiting: {
    close: END,
    connect: ['fetching', 'drop', 'fetch'],
    elapsed: ['fetching', 'drop', 'fetch'],
    wake: ['fetching', 'drop', 'fetch']
  },
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
  return happening
}

/**
 * @param {Readonly<Machine>} machine
 * @param {Happening} happening
 * @returns {Machine}
 */
function count(machine, happening) {
  switch (happening) {
    case 'connect':
      return machine.phase === 'closed' ? { ...INITIAL, phase: machine.phase } : { ...machine }
    case 'credentials':
      return { ...machine, expiredTokens: 0 }
    case 'subscribed':
      return { ...machine, subscribeLosses: 0 }
    case 'stable':
      return { ...machine, failures: 0 }
    case 'failed':
      return { ...machine, failures: machine.failures + 1, patient: false }
    case 'lost':
      return {
        ...machine,
        failures: machine.failures + 1,
        patient: false,
        subscribeLosses: machine.subscribeLosses + (machine.phase === 'subscribing' ? 1 : 0)
      }
    case 'throttled':
      return { ...machine, failures: machine.failures + 1, patient: true }
    case 'token_expired':
      return {
        ...machine,
        failures: machine.failures + 1,
        patient: false,
        expiredTokens: machine.expiredTokens + 1
      }
    default:
      return { ...machine }
  }
}
