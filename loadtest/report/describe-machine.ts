/** What the figures were measured on, in a line. Pure. */

import type { Machine } from '../harness/machine.ts'

export function describeMachineBriefly(machine: Machine): string {
  return (
    `${machine.cores} × ${machine.cpu}, ${Math.round(machine.memoryBytes / 2 ** 30)} GiB, ${machine.os}, kernel ${machine.kernel}; ` +
    `Node ${machine.node}, Redis ${machine.redis}, commit ${machine.commit}; load average before ${machine.loadAverage.toFixed(2)}`
  )
}
