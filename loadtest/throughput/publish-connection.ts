/**
 * One kept-alive TLS connection that sends requests that are ready to be sent, one at a time.
 *
 * Written by hand, since a load costs processor time of the same machine: it does for a request what it must and no more.
 * It does not reconnect; its pool does.
 */

import { connect, type TLSSocket } from 'node:tls'

export interface ConnectionOptions {
  readonly host: string
  readonly port: number
  /** In PEM. */
  readonly ca: string
  /** From sending to the whole answer. */
  readonly timeoutMs: number
}

/** `error`: a code of ours, with `wasSent` false when the broker cannot have seen the request. */
export type Answer = { readonly status: number; readonly body: string } | { readonly error: string }

export interface PublishConnection {
  /** Only when no other request is under way. */
  send(bytes: Uint8Array, onAnswer: (answer: Answer) => void): void
  close(): void
}

const HEAD_END = '\r\n\r\n'

/** @param onClose called once, after the answer that it costs. @throws {Error} when it cannot be opened */
export async function openPublishConnection(o: ConnectionOptions, onClose: () => void): Promise<PublishConnection> {
  const socket = await new Promise<TLSSocket>((resolve, reject) => {
    const opening = connect({ host: o.host, port: o.port, servername: o.host, ca: o.ca }, () => {
      opening.removeListener('error', reject)
      resolve(opening)
    })
    opening.once('error', reject)
  })
  let onAnswer: ((answer: Answer) => void) | undefined
  let timer: NodeJS.Timeout | undefined
  let text = ''
  const finish = (answer: Answer) => {
    const answered = onAnswer
    onAnswer = undefined
    text = ''
    clearTimeout(timer)
    answered?.(answer)
  }
  socket.setNoDelay(true)
  socket.setEncoding('latin1')
  socket.on('data', (chunk: string) => {
    // Said of its own accord: it is about to close, and the next request must not take it for its answer.
    if (onAnswer === undefined) return void socket.destroy()
    text += chunk
    const answer = readAnswer(text)
    if (answer === undefined) return
    finish(answer)
    // What cannot be told from the next answer must not be taken for it.
    if ('error' in answer) socket.destroy()
  })
  // 'close' follows, and tells whoever waits.
  socket.on('error', () => {})
  socket.once('close', () => {
    finish({ error: 'ConnectionClosed' })
    onClose()
  })
  const connection: PublishConnection = {
    send(bytes, answered) {
      onAnswer = answered
      timer = setTimeout(() => {
        finish({ error: 'Timeout' })
        socket.destroy()
      }, o.timeoutMs)
      socket.write(bytes)
    },
    close: () => socket.destroy(),
  }
  await new Promise((resolve) => connection.send(firstRequest(o), resolve))
  return connection
}

/**
 * A gateway ends a connection that has asked nothing for ten seconds, by an answer of its own accord. One that has asked
 * for anything may rest for longer than any of ours does.
 */
function firstRequest({ host, port }: ConnectionOptions): Buffer {
  return Buffer.from(`GET /none HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`)
}

/** @param text all that came, as latin1: a character a byte. @returns undefined while it is not whole */
export function readAnswer(text: string): Answer | undefined {
  const end = text.indexOf(HEAD_END)
  if (end === -1) return undefined
  const head = text.slice(0, end)
  const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(head) ?? []
  const [, length] = /\r\ncontent-length: *(\d+)/i.exec(head) ?? []
  if (status === undefined || length === undefined) return { error: 'BadAnswer' }
  const body = text.slice(end + HEAD_END.length)
  if (body.length < Number(length)) return undefined
  return body.length > Number(length) ? { error: 'BadAnswer' } : { status: Number(status), body }
}
