import type { CrashPlan } from './crash-fate.ts'
import { MemoryFile } from './memory-file.ts'
import { MemoryFolder, type MemoryNode } from './memory-folder.ts'

/** What a crash leaves of a folder and all below it; a file with several names stays one file. */
export function imageOfTree(root: MemoryFolder, plan: CrashPlan): MemoryFolder {
  const images = new Map<MemoryNode, MemoryNode>()
  const imageOf = (node: MemoryNode): MemoryNode => {
    const known = images.get(node)
    if (known !== undefined) return known
    if (node.kind === 'file') {
      const file = new MemoryFile(node.inode, node.modifiedMs, node.image(plan))
      images.set(node, file)
      return file
    }
    const folder = new MemoryFolder(node.inode, node.modifiedMs)
    images.set(node, folder)
    folder.fill(new Map([...node.image(plan)].map(([name, child]) => [name, imageOf(child)])))
    return folder
  }
  return imageOf(root) as MemoryFolder
}

/** An independent copy with the same changes pending. */
export function cloneTree(root: MemoryFolder): MemoryFolder {
  const copies = new Map<MemoryNode, MemoryNode>()
  const copyOf = (node: MemoryNode): MemoryNode => {
    const known = copies.get(node)
    if (known !== undefined) return known
    if (node.kind === 'file') {
      const file = node.clone()
      copies.set(node, file)
      return file
    }
    const folder = new MemoryFolder(node.inode, node.modifiedMs)
    copies.set(node, folder)
    node.copyInto(folder, copyOf)
    return folder
  }
  return copyOf(root) as MemoryFolder
}
