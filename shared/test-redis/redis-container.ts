/**
 * redis-server in a container, by testcontainers, with the same arguments as the process beside it.
 *
 * In the host's network and with the directory mounted under its own path, so that ports, replicas, a cluster's bus and
 * what tests read of the directory are as with a process. Signals go to the server's pid, as the host sees it: freezing and
 * killing have to have happened when the call returns, which Docker's own API does not promise. So the engine must be
 * this machine's own. The engine removes a container that ended, however that came.
 */

import { GenericContainer, getContainerRuntimeClient, Wait } from 'testcontainers'
import type { Server } from './server.ts'

/** As in docker-compose.yml. */
const IMAGE = 'redis:7.2-bookworm'

class SelfRemovingContainer extends GenericContainer {
  constructor(image: string) {
    super(image)
    this.hostConfig.AutoRemove = true
  }
}

/** Resolves when the server says that it accepts connections. */
export async function startRedisContainer(args: readonly string[], dir: string): Promise<Server> {
  const started = await new SelfRemovingContainer(IMAGE)
    // Past the image's own entrypoint, which would hand the directory to another user.
    .withEntrypoint(['redis-server'])
    .withCommand([...args])
    .withUser(`${process.getuid?.()}:${process.getgid?.()}`)
    .withNetworkMode('host')
    .withBindMounts([{ source: dir, target: dir, mode: 'rw' }])
    // Its watchdog is ours: that of testcontainers is another image, and needs the engine's socket mounted.
    .withAutoCleanup(false)
    .withWaitStrategy(Wait.forLogMessage('Ready to accept connections'))
    .start()
  const client = await getContainerRuntimeClient()
  const container = client.container.getById(started.getId())
  const { State: state } = await container.inspect()
  let isGone = false
  const onExit = () => {
    isGone = true
  }
  // Fails where it is gone already.
  const exited = container.wait({ condition: 'removed' }).then(onExit, onExit)
  return {
    pid: state.Pid,
    exited,
    signal(name) {
      // Its pid may be a stranger's by then.
      if (!isGone) sendSignal(state.Pid, name)
    },
  }
}

function sendSignal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
