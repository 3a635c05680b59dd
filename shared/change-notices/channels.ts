/** One function names each channel. Channels hold no data, so they have no hash tag: a cluster passes messages to all its nodes. */

export const channels = {
  /** Changes of topics, to all gateways. */
  notices: 'sealcast:change-notices',
  /** Acknowledgements for one gateway. */
  acknowledgements: (gatewayId: string) => `sealcast:change-acks:${gatewayId}`,
}
