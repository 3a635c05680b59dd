/** A network between two servers on one machine: bytes take their time, and what is under way can be lost. */

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface LaggingLink extends AsyncDisposable {
  readonly port: number
  /** Everything under way is gone, as when the machine at the other end loses power. */
  cut(): void
}

/** @param o.lagMs each way */
export async function startLaggingLink(o: { toPort: number; lagMs: number }): Promise<LaggingLink> {
  const sockets = new Set<Socket>()
  const forward = (from: Socket, to: Socket) => {
    sockets.add(from)
    from.on('error', () => undefined)
    from.on('close', () => {
      sockets.delete(from)
      to.destroy()
    })
    from.on('data', (chunk) => {
      setTimeout(() => {
        if (!to.destroyed) to.write(chunk)
      }, o.lagMs)
    })
  }
  const server = createServer((inward) => {
    const outward = connect(o.toPort, '127.0.0.1')
    forward(inward, outward)
    forward(outward, inward)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    async [Symbol.asyncDispose]() {
      cut()
    },
  }
}
