import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import type { StreamingReport } from '../programs/streaming-writer.ts'

const mib = 1024 * 1024
/** How much more than before the stream may be resident at any piece of it. */
const growthBytesMax = 64 * mib

const program = fileURLToPath(new URL('../dist/streaming-writer.js', import.meta.url))

/** Runs the program of the stream in a process of its own, whose memory is nobody else's. */
export async function expectBoundedMemory(mibs: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'varve-stream-'))
  try {
    const args = ['--expose-gc', program, join(folder, 'store'), String(mibs)]
    const { stdout } = await promisify(execFile)(process.execPath, args)
    const report = JSON.parse(stdout) as StreamingReport
    expect(report.put).toBe(report.expected)
    expect(report.read).toBe(report.expected)
    expect(report.bytesRead).toBe(mibs * mib)
    expect(report.sampleCount).toBeGreaterThan((mibs * mib) / (64 * 1024))
    expect(report.peakIn - report.baseline, 'in').toBeLessThan(growthBytesMax)
    expect(report.peakOut - report.baseline, 'out').toBeLessThan(growthBytesMax)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
