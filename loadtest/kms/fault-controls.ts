/** Has the local KMS misbehave on purpose, over its admin port: services/kms/faults/README.md. */

import type { FaultPlan } from './settings.ts'

/**
 * @param plan instead of the one in force
 * @throws {Error} with the KMS's own words when the plan is not understood
 */
export async function setFaults(adminUrl: string, plan: FaultPlan): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${adminUrl}/faults`, { method: 'PUT', headers, body: JSON.stringify(plan) })
  if (!response.ok) throw new Error(`The KMS refused the fault plan: ${await response.text()}`)
}

/** What hangs is cut off, and all is as it should be. */
export async function clearFaults(adminUrl: string): Promise<void> {
  await fetch(`${adminUrl}/faults`, { method: 'DELETE' })
}
