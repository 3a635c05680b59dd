/**
 * An HTTPS subscriber as an application would write one: it takes SNS's POSTs, has `sns-validator`
 * check every signature, and hands the messages on.
 */

import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import MessageValidator from 'sns-validator'
import type { CertifiedKey } from '#shared/pki'

export type ReceivedMessage = Readonly<Record<string, string>>

export interface Subscriber extends AsyncDisposable {
  readonly url: string
  /** Waits until `count` messages of a type have come, in order of arrival, each with a valid signature. */
  receive(type: string, count: number): Promise<ReceivedMessage[]>
}

/**
 * @param signingHost the host whose certificate may have signed, e.g. `localhost:4443`
 * @param deadlineMs how long `receive` waits in all
 */
export async function startSubscriber(o: {
  /** As workers call it. */
  host: string
  listenOn: string
  certificate: CertifiedKey
  signingHost: string
  deadlineMs: number
}): Promise<Subscriber> {
  const received: ReceivedMessage[] = []
  const arrivals = new EventEmitter()
  const validator = new MessageValidator(new RegExp(`^${RegExp.escape(o.signingHost)}$`))
  const server = createServer({ cert: o.certificate.certificatePem, key: o.certificate.privateKeyPem })
  server.on('request', (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      validator.validate(Buffer.concat(chunks).toString('utf8'), (error, message) => {
        response.writeHead(error === null ? 200 : 403).end()
        if (error === null && message !== undefined) received.push(message)
        arrivals.emit('arrival', error)
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, o.listenOn, resolve))
  return {
    url: `https://${o.host}:${(server.address() as AddressInfo).port}/notifications`,
    async receive(type, count) {
      const signal = AbortSignal.timeout(o.deadlineMs)
      for (;;) {
        const messages = received.filter((message) => message.Type === type)
        if (messages.length >= count) return messages
        const [error] = await once(arrivals, 'arrival', { signal })
        if (error !== null) throw new Error(`A signature did not verify: ${error.message}`)
      }
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
