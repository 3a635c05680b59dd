/** The subscriber's process, as `BenchStack.subscribe` wants it. */

import type { Endpoint } from '../processes/endpoint.ts'
import { type Helper, startHelper } from './helper.ts'

export interface BenchEndpoint extends AsyncDisposable {
  readonly url: string
  readonly helper: Helper<Endpoint>
  takeToken(topicArn: string): Promise<string>
}

export async function startEndpoint(): Promise<BenchEndpoint> {
  const helper = await startHelper<Endpoint>('endpoint')
  const port = await helper.call('listen', {})
  return {
    url: `http://127.0.0.1:${port}/notifications`,
    helper,
    takeToken: (topicArn) => helper.call('takeToken', { topicArn }),
    [Symbol.asyncDispose]: () => helper[Symbol.asyncDispose](),
  }
}
