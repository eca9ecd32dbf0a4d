/** aws-iot-device-sdk, the AWS IoT Device SDK for JavaScript version 1: MQTT 3.1.1, signs itself. */

import sdk from 'aws-iot-device-sdk';
import { obey, place, tell, words } from './lines.mjs';

await obey((connect) => {
  let connected = false;
  let failure;
  const device = sdk.device({
    ...place(connect.endpoint),
    protocol: 'wss',
    region: connect.region,
    accessKeyId: connect.accessKeyId,
    secretKey: connect.secretAccessKey,
    sessionToken: connect.sessionToken,
    clientId: connect.clientId,
    clean: connect.clean,
    baseReconnectTimeMs: 500,
  });
  device.on('connect', ({ sessionPresent }) => {
    connected = true;
    tell('connected', { sessionPresent });
  });
  device.on('message', (topic, payload) => tell('message', { topic, payload: payload.toString() }));
  device.on('error', (error) => { failure = { why: words(error) }; });
  device.on('close', () => {
    tell(connected ? 'lost' : 'failed', failure);
    connected = false;
    failure = undefined;
  });
  return {
    subscribe: ({ filter }) =>
      device.subscribe(filter, { qos: 1 }, (error, granted) =>
        tell('subscribed', { refused: Boolean(error) || granted?.[0]?.qos === 128, why: words(error) })),
    publish: ({ topic, payload }) =>
      device.publish(topic, payload, { qos: 1 }, (error) =>
        tell('published', { refused: Boolean(error), why: words(error) })),
    disconnect: () => {
      device.removeAllListeners('close');
      device.end(true, () => tell('disconnected'));
    },
  };
});
