export {
  ENDPOINT_NETWORKS_SETTING,
  type EndpointNetworks,
  PUBLIC_ONLY,
  readEndpointNetworks,
} from './endpoint-networks.ts'
export { judgeAddress, judgeHost, type RefusalReason } from './judge.ts'
