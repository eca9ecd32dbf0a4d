/**
 * The dashboard: asks for a key, then shows what the gateway tells.
 *
 * Owns the way in and out. The page itself is the same for everybody; all it shows comes from the
 * gateway's API, to a key with the admin right.
 */

import { byId } from '../demo/dom.js'
import { Board } from './board.js'
import { Gateway } from './gateway.js'
import { readKey, writeKey } from './key.js'
import { Link } from './link.js'

const STATES = {
  connecting: 'Connecting…',
  connected: 'Live',
  waiting: 'Lost, trying again…',
  closed: 'Not connected'
}

const keyTrouble = byId('key-trouble', HTMLElement)
const payloads = byId('payloads', HTMLInputElement)

/** @type {Link | null} */
let link = null
/** @type {Board | null} */
let board = null

/** @param {string} key */
function enter(key) {
  const gateway = new Gateway(key)
  link = new Link(gateway, {
    onState: (state) => {
      const it = byId('link', HTMLElement)
      it.textContent = STATES[state]
      it.dataset.state = state
    },
    onEvent: (event) => {
      if (event.name === 'hello' && !event.data.admin) {
        leave('This key has no admin right.')
        return
      }
      if (event.name === 'hello') {
        writeKey(sessionStorage, key)
        showBoard(true)
        board ??= new Board(gateway)
      }
      board?.tell(event)
    },
    onRefused: (why) => leave(why)
  })
  link.open(payloads.checked)
}

/** @param {string} why Shown at the door. */
function leave(why) {
  writeKey(sessionStorage, null)
  link?.close()
  link = null
  board = null
  showBoard(false)
  keyTrouble.textContent = why
  byId('key', HTMLInputElement).focus()
}

/** @param {boolean} open */
function showBoard(open) {
  byId('door', HTMLElement).hidden = open
  byId('board', HTMLElement).hidden = !open
  byId('scope', HTMLElement).hidden = !open
  if (!open) byId('namespace', HTMLElement).hidden = true
}

/** @param {string} id @param {(value: string) => void} act */
function onAsked(id, act) {
  byId(`${id}-form`, HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault()
    act(byId(`${id}-id`, HTMLInputElement).value.trim())
  })
}

byId('sign-in', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault()
  const input = byId('key', HTMLInputElement)
  keyTrouble.textContent = ''
  link?.close()
  enter(input.value.trim())
  input.value = ''
})
byId('sign-out', HTMLButtonElement).addEventListener('click', () => leave(''))
byId('service', HTMLSelectElement).addEventListener('change', (event) => {
  if (event.target instanceof HTMLSelectElement) board?.show(event.target.value)
})
byId('pause', HTMLButtonElement).addEventListener('click', (event) => {
  const button = event.currentTarget
  if (!(button instanceof HTMLButtonElement) || board === null) return
  const paused = board.pause()
  button.textContent = paused ? 'Go on' : 'Pause'
  button.setAttribute('aria-pressed', String(paused))
})
payloads.addEventListener('change', () => link?.open(payloads.checked))
onAsked('event', (id) => void board?.lookUpEvent(id))
onAsked('client', (id) => void board?.lookUpClient(id))

const kept = readKey(sessionStorage)
if (kept === null) showBoard(false)
else enter(kept)
