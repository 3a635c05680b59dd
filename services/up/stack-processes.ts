/** The processes of the stack by name. The first of a service bears the service's name, the others a number behind it. */

export type ServiceName = 'kms' | 'gateway' | 'delivery'

export interface StackProcess {
  readonly name: string
  readonly service: ServiceName
}

/** @returns in the order of their metrics ports, in which those of the smallest stack come first and so keep theirs */
export function stackProcesses({
  gateways,
  workers,
  kms,
}: {
  gateways: number
  workers: number
  kms: 'local' | 'aws'
}): StackProcess[] {
  const some = (service: ServiceName, count: number): StackProcess[] =>
    Array.from({ length: count }, (_, at) => ({ name: at === 0 ? service : `${service}-${at + 1}`, service }))
  const [first, ...moreGateways] = some('gateway', gateways)
  const [firstWorker, ...moreWorkers] = some('delivery', workers)
  const all = [first, firstWorker, ...some('kms', kms === 'local' ? 1 : 0), ...moreGateways, ...moreWorkers]
  return all.filter((one) => one !== undefined)
}
