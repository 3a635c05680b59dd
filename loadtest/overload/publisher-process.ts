/**
 * A process of publishers: signed requests over kept-alive TLS connections, written by hand so that the load
 * costs less than what it loads. Started by `run-publishers.ts`, which says what to do in one message.
 *
 * Every request is a message of its own, signed before timing starts. One that is refused is sent again, as a
 * publisher would; so what is accepted was never accepted before.
 */

import { readFileSync } from 'node:fs'
import { connect, type TLSSocket } from 'node:tls'
import { signRequest } from '#shared/sigv4'
import type { PublisherOptions, PublisherReport } from './run-publishers.ts'

interface Message {
  readonly bytes: Buffer
  /** When a publisher first wanted it sent: waiting for a free connection counts. */
  wantedAt: number
  attempts: number
}

/** Base of the pause of AWS SDKs before another attempt: random, up to this times 2 to the attempt. */
const SDK_PAUSE_MS = 100

const FIRST_REQUEST = Buffer.from('GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n')

process.once('message', (options: PublisherOptions) => {
  run(options).then(
    (report) => process.send?.(report, undefined, {}, () => process.exit(0)),
    (error) => {
      process.stderr.write(`${error}\n`)
      process.exit(1)
    },
  )
})

async function run(o: PublisherOptions): Promise<PublisherReport> {
  const messages = Array.from({ length: o.messages }, (_, n) => sign(o, n))
  const connections: Connection[] = []
  // A few at a time: a thousand handshakes at once would be the load, not the publishes.
  while (connections.length < o.connections) {
    const some = Math.min(50, o.connections - connections.length)
    connections.push(...(await Promise.all(Array.from({ length: some }, () => openConnection(o)))))
  }
  const report: PublisherReport = {
    accepted: 0,
    refused: 0,
    failed: 0,
    gaveUp: 0,
    sentMs: [],
    acceptedMs: [],
    refusedMs: [],
    seconds: 0,
    gatewayCpuSeconds: 0,
  }
  const waiting: Message[] = []
  const idle = [...connections]
  const cpuBefore = cpuSecondsOf(o.gatewayPid)
  const startedAt = performance.now()
  const deadline = startedAt + o.seconds * 1000
  const closed = o.ratePerSecond === undefined

  const isOver = () => performance.now() > deadline
  const next = () => (closed ? (waiting.pop() ?? messages.pop()) : waiting.shift())
  const give = (connection: Connection): void => {
    if (isOver()) return
    const message = next()
    if (message === undefined) return void idle.push(connection)
    const sentAt = performance.now()
    if (message.wantedAt === 0) message.wantedAt = sentAt
    message.attempts++
    connection.send(message.bytes, (status) => {
      const now = performance.now()
      if (status === 200) {
        report.accepted++
        report.acceptedMs.push(now - message.wantedAt)
        report.sentMs.push(now - sentAt)
        if (message.attempts > 1) report.retried = (report.retried ?? 0) + 1
      } else if (status === 503) {
        report.refused++
        report.refusedMs.push(now - sentAt)
        again(message)
      } else {
        report.failed++
      }
      if (status === 0) return
      if (o.backoff === 'sdk' && status === 503 && closed) {
        // One publisher a connection: it waits before it does anything else.
        setTimeout(() => give(connection), Math.random() * SDK_PAUSE_MS * 2 ** (message.attempts - 1))
      } else give(connection)
    })
  }
  const again = (message: Message) => {
    if (o.attempts !== undefined && message.attempts >= o.attempts) report.gaveUp++
    else if (closed) waiting.push(message)
    else setTimeout(() => want(message), Math.random() * SDK_PAUSE_MS * 2 ** (message.attempts - 1))
  }
  const want = (message: Message) => {
    waiting.push(message)
    const connection = idle.pop()
    if (connection !== undefined) give(connection)
  }

  if (closed) for (const connection of idle.splice(0)) give(connection)
  else {
    let wanted = 0
    const arrivals = setInterval(() => {
      const due = ((performance.now() - startedAt) / 1000) * (o.ratePerSecond ?? 0)
      for (; wanted < due && !isOver(); wanted++) {
        const message = messages.pop()
        if (message === undefined) break
        message.wantedAt = performance.now()
        want(message)
      }
    }, 2)
    setTimeout(() => clearInterval(arrivals), o.seconds * 1000)
  }
  await new Promise((resolve) => setTimeout(resolve, o.seconds * 1000))
  report.seconds = (performance.now() - startedAt) / 1000
  report.gatewayCpuSeconds = cpuSecondsOf(o.gatewayPid) - cpuBefore
  report.leftWaiting = waiting.length
  if (messages.length === 0) throw new Error('The signed messages ran out; sign more')
  // Let what is under way come back, so that the next run starts on a quiet server.
  await new Promise((resolve) => setTimeout(resolve, 300))
  for (const connection of connections) connection.close()
  return report
}

/** User and system time, in hundredths of a second: proc(5), /proc/pid/stat, fields 14 and 15. */
function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

interface Connection {
  send(bytes: Buffer, onAnswer: (status: number) => void): void
  close(): void
}

async function openConnection(o: PublisherOptions): Promise<Connection> {
  let onAnswer: ((status: number) => void) | undefined
  let text = ''
  const finish = (status: number) => {
    const answered = onAnswer
    onAnswer = undefined
    text = ''
    answered?.(status)
  }
  const socket = await new Promise<TLSSocket>((resolve, reject) => {
    const opening = connect({ port: o.port, host: '127.0.0.1', servername: 'localhost', ca: o.ca }, () =>
      resolve(opening),
    )
    opening.on('error', (error) => {
      reject(error)
      finish(0)
    })
    opening.on('close', () => finish(0))
  })
  socket.setNoDelay(true)
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk
    const head = text.indexOf('\r\n\r\n')
    if (head === -1) return
    const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0)
    if (text.length >= head + 4 + length) finish(Number(text.slice(9, 12)))
  })
  const connection: Connection = {
    send(bytes, answered) {
      onAnswer = answered
      socket.write(bytes)
    },
    close: () => socket.destroy(),
  }
  // One that has asked nothing yet is closed after ten seconds, and opening them all may take longer.
  await new Promise((resolve) => connection.send(FIRST_REQUEST, resolve))
  return connection
}

function sign(o: PublisherOptions, n: number): Message {
  const text = `${process.pid}-${n}-`.padEnd(o.bodyBytes, 'x')
  const body = new URLSearchParams({
    Action: 'Publish',
    Version: '2010-03-31',
    TopicArn: o.topicArn,
    Message: text,
  }).toString()
  const headers = signRequest(
    {
      method: 'POST',
      path: '/',
      headers: { host: `localhost:${o.port}`, 'content-type': 'application/x-www-form-urlencoded' },
      body,
    },
    { ...o.credentials, region: 'us-east-1', service: 'sns', now: Date.now() },
  )
  const head = Object.entries({ ...headers, 'content-length': String(Buffer.byteLength(body)) })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')
  return { bytes: Buffer.from(`POST / HTTP/1.1\r\n${head}\r\n${body}`), wantedAt: 0, attempts: 0 }
}
