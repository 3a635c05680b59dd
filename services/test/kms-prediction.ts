/** What a gateway of the stack predicts of KMS, looked at again and again, and added up over the time in between. */

import { setTimeout as sleep } from 'node:timers/promises'
import { readMetrics } from './messaging.ts'
import type { Stack } from './start-stack.ts'

const EVERY_MS = 100

interface Look {
  pairs: number
  gateways: number
  reuseSeconds: number
}

export interface Prediction {
  /** (g + 1) × pairs / D, added up over time: the requests to be expected. */
  requests: number
  /** Active pairs at each look, in order. */
  pairs: readonly number[]
}

/** Until no pair is active, once it is asked for. */
export function watchPrediction(stack: Stack): { untilNone(): Promise<Prediction> } {
  const pairs: number[] = []
  let requests = 0
  let isEnding = false
  const over = (async () => {
    let before: Look | undefined
    let lookedAt = performance.now()
    while (before === undefined || before.pairs > 0 || !isEnding) {
      const look = await lookAt(stack)
      const now = performance.now()
      if (before !== undefined) {
        requests += ((before.gateways + 1) * before.pairs * (now - lookedAt)) / 1000 / before.reuseSeconds
      }
      pairs.push(look.pairs)
      before = look
      lookedAt = now
      await sleep(EVERY_MS)
    }
  })()
  return {
    async untilNone() {
      isEnding = true
      await over
      return { requests, pairs }
    },
  }
}

async function lookAt(stack: Stack): Promise<Look> {
  const page = (await readMetrics(stack)).find((text) => text.includes('sealcast_api_requests_total')) ?? ''
  const read = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(page)?.[1])
  const look = {
    pairs: read('sealcast_kms_active_pairs'),
    gateways: read('sealcast_gateways_alive'),
    reuseSeconds: read('sealcast_data_key_reuse_seconds'),
  }
  if (read('sealcast_kms_predicted_requests') !== 2 * look.pairs)
    throw new Error('The prediction is not 2 for each pair')
  return look
}
