/** The processes of the stack by name. The first of a service bears the service's name, the others a number behind it. */

export type ServiceName = 'kms' | 'gateway' | 'delivery'

export interface StackProcess {
  readonly name: string
  readonly service: ServiceName
}

/** @returns in the order of their metrics ports, in which those there always are come first and so keep theirs */
export function stackProcesses({ gateways, workers }: { gateways: number; workers: number }): StackProcess[] {
  const more = (service: ServiceName, count: number): StackProcess[] =>
    Array.from({ length: count - 1 }, (_, at) => ({ name: `${service}-${at + 2}`, service }))
  const first = (['gateway', 'delivery', 'kms'] as const).map((service) => ({ name: service, service }))
  return [...first, ...more('gateway', gateways), ...more('delivery', workers)]
}
