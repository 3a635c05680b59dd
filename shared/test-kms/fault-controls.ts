/** Drives the fault injection of a local KMS; the plans are explained in services/kms/faults/README.md. */

export interface FaultControls {
  /** These instead of what is in force. */
  set(plan: FaultPlanInput): Promise<void>
  /** These behind what is in force. */
  add(plan: FaultPlanInput): Promise<void>
  /** None any more; what hangs is cut off. */
  clear(): Promise<void>
  /** What is in force: each fault with how often it was `met`, each throttling with how many were `throttled`. */
  read(): Promise<{
    throttling: (Record<string, unknown> & { throttled: number })[]
    faults: (Record<string, unknown> & { met: number })[]
  }>
}

interface FaultPlanInput {
  throttling?: readonly { account?: string; quota?: string; ratePerSecond: number; burst?: number }[]
  faults?: readonly FaultInput[]
}

type FaultInput = (
  | { kind: 'latency'; ms: number | { minMs: number; maxMs: number } | { medianMs: number; p99Ms: number } }
  | { kind: 'error'; name: string; message?: string | null }
  | { kind: 'reset' }
  | { kind: 'hang' }
) & {
  operations?: readonly string[]
  keyArn?: string
  caller?: string
  probability?: number
  requests?: number
  forMs?: number
}

/** @param adminUrl e.g. what `up` exports as SEALCAST_KMS_ADMIN_URL */
export function createFaultControls(adminUrl: string): FaultControls {
  const call = async (method: string, plan?: FaultPlanInput) => {
    const body =
      plan === undefined ? {} : { body: JSON.stringify(plan), headers: { 'content-type': 'application/json' } }
    const response = await fetch(`${adminUrl}/faults`, { method, ...body })
    const text = await response.text()
    if (!response.ok) throw new Error(`The KMS refused ${method} /faults: ${response.status} ${text}`)
    return JSON.parse(text)
  }
  return {
    set: (plan) => call('PUT', plan),
    add: (plan) => call('POST', plan),
    clear: () => call('DELETE'),
    read: () => call('GET'),
  }
}
