/** aws-iot-device-sdk-v2, its MQTT 3.1.1 client, native: signs itself. Argument: a CA file or none. */

import { createRequire } from 'node:module';
import { obey, place, tell, words } from './lines.mjs';

const { auth, iot, mqtt } = createRequire(import.meta.url)('aws-iot-device-sdk-v2');
const caFile = process.argv[2];

await obey((connect) => {
  const { host, port } = place(connect.endpoint);
  const credentials = auth.AwsCredentialsProvider.newStatic(
    connect.accessKeyId, connect.secretAccessKey, connect.sessionToken);
  const builder = iot.AwsIotMqttConnectionConfigBuilder.new_with_websockets({
    region: connect.region,
    credentials_provider: credentials,
  });
  builder.with_endpoint(host).with_port(port).with_client_id(connect.clientId);
  builder.with_clean_session(connect.clean);
  builder.with_reconnect_min_sec(1).with_reconnect_max_sec(2);
  if (caFile) builder.with_certificate_authority_from_path(undefined, caFile);
  const connection = new mqtt.MqttClient().new_connection(builder.build());
  connection.on('interrupt', (error) => tell('lost', { why: words(error) }));
  connection.on('resume', (_code, sessionPresent) => tell('connected', { sessionPresent }));
  connection.on('error', () => {});
  connection.on('message', (topic, payload) =>
    tell('message', { topic, payload: Buffer.from(payload).toString() }));
  connection.connect().then(
    (sessionPresent) => tell('connected', { sessionPresent }),
    (error) => tell('failed', { why: words(error) }));
  const answered = (event) => [
    ({ error_code: code }) => tell(event, { refused: Boolean(code), code }),
    (error) => tell(event, { refused: true, why: words(error) }),
  ];
  return {
    subscribe: ({ filter }) => {
      connection.subscribe(filter, mqtt.QoS.AtLeastOnce).then(...answered('subscribed'));
    },
    publish: ({ topic, payload }) => {
      connection.publish(topic, payload, mqtt.QoS.AtLeastOnce).then(...answered('published'));
    },
    disconnect: () => connection.disconnect().catch(() => {}).then(() => tell('disconnected')),
  };
});
