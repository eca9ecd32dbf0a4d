import React, { useEffect, useState } from 'react'
import { PushClient } from 'serverless-websockets-client'

/** The state of the connection and the latest events, for one component. */
export function usePush(options) {
  const [state, setState] = useState('idle')
  const [events, setEvents] = useState([])
  useEffect(() => {
    const client = new PushClient(options)
    client.on('state', (change) => setState(change.state))
    client.on('event', (event) => setEvents((all) => [event, ...all].slice(0, 50)))
    client.connect()
    return () => client.close()
  }, [options])
  return { state, events }
}

export function Events({ options }) {
  const { state, events } = usePush(options) // options: made once, outside of the component
  return <ul title={state}>{events.map((it) => <li key={it.id}>{it.type}</li>)}</ul>
}
