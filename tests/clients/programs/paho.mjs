/** Paho JavaScript with a presigned URL, as a page uses it. */

import Paho from 'paho-mqtt';
import { WebSocket } from 'ws';
import { obey, tell, words } from './lines.mjs';

// The client is made for pages: this is the one thing of a page that it needs.
globalThis.WebSocket = WebSocket;

await obey((connect) => {
  const client = new Paho.Client(connect.url, connect.clientId);
  client.onConnected = () => tell('connected', {});
  client.onConnectionLost = ({ errorCode, errorMessage }) => {
    if (errorCode !== 0) tell('lost', { why: errorMessage });
  };
  client.onMessageArrived = ({ destinationName, payloadString }) =>
    tell('message', { topic: destinationName, payload: payloadString });
  client.onMessageDelivered = () => tell('published', { refused: false });
  client.connect({
    mqttVersion: 4,
    cleanSession: connect.clean,
    reconnect: true,
    timeout: 10,
    onFailure: (failure) => tell('failed', { why: words(failure) }),
  });
  return {
    subscribe: ({ filter }) =>
      client.subscribe(filter, {
        qos: 1,
        onSuccess: () => tell('subscribed', { refused: false }),
        onFailure: ({ errorCode }) => tell('subscribed', { refused: true, code: errorCode?.[0] }),
      }),
    publish: ({ topic, payload }) => client.send(topic, payload, 1),
    disconnect: () => {
      try {
        client.disconnect();
      } catch {
        // It is not connected.
      }
      tell('disconnected');
    },
  };
});
