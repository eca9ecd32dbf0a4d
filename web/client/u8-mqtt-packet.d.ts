/** The part of u8-mqtt-packet 0.4.1 that codec.js uses; the package brings no types. */
declare module 'u8-mqtt-packet/esm/codec_bind.js' {
  export interface DecodedPacket {
    type: string
    flags?: unknown
    reason?: unknown
    qos?: number
    topic?: string
    payload?: Uint8Array
    pkt_id?: number
    answers?: unknown[]
  }
  export interface Codec {
    encode_pkt(type: string, fields: object): Uint8Array<ArrayBuffer>
    decode_pkt(packet: Uint8Array): DecodedPacket | undefined
  }
  export default function bind(level: 4 | 5, codec: object, packetApi: object): Codec
}

declare module 'u8-mqtt-packet/esm/codec_v4_client.js' {
  const codec: object
  export default codec
}
