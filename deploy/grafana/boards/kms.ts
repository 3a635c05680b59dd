/** What KMS is asked, against what was predicted; what it costs, who causes it, and what goes wrong with it. */

import { type Dashboard, TextBoxVariableBuilder } from '@grafana/grafana-foundation-sdk/dashboard'
import { KMS_PRICES } from '#shared/kms-estimate'
import { board } from '../board.ts'
import { UIDS } from '../links.ts'
import { kmsCalls } from './kms/calls.ts'
import { kmsCost } from './kms/cost.ts'
import { dataKeys } from './kms/data-keys.ts'
import { prediction } from './kms/prediction.ts'
import { kmsTrouble } from './kms/trouble.ts'
import { whoCausesIt } from './kms/who-causes-it.ts'

export function kms(): Dashboard {
  const { asOf, usdPer10000Requests, freeRequestsPerMonth } = KMS_PRICES
  return board({
    uid: UIDS.kms,
    title: 'KMS',
    question:
      'How many KMS calls are made, against how many were to be expected, at what cost, by whom, and which fail?',
    tag: 'kms',
    from: 'now-6h',
    variables: [
      textBox(
        'usd_per_10000',
        `USD per 10,000 requests (list of ${asOf})`,
        usdPer10000Requests['us-east-1'],
      ).description(
        `AWS's price list, read ${asOf}: ${Object.entries(usdPer10000Requests)
          .map(([region, usd]) => `${region} ${usd}`)
          .join(', ')}. Put in your region's.`,
      ),
      textBox('free_requests', 'Free requests a month', freeRequestsPerMonth).description(
        'Of all regions of an account together: 0 if something else uses them up.',
      ),
    ],
    sections: [prediction(), kmsCalls(), kmsCost(), dataKeys(), kmsTrouble(), whoCausesIt()],
  })
}

function textBox(name: string, label: string, value: number | undefined): TextBoxVariableBuilder {
  const text = String(value)
  const option = { selected: true, text, value: text }
  return new TextBoxVariableBuilder(name).label(label).defaultValue(text).current(option).options([option])
}
