import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { crc32 } from 'node:zlib';
import { createTar } from 'nanotar';
import { type PackageManifest, packageDirectory, readPackageManifest } from '../package.ts';
import { sha256 } from './hash.ts';

/** The folder of an environment that holds the carried package. */
export const carriedFolder = '.sessapp';

/** The running package as a tarball. The environment depends on it. */
export interface CarriedPackage {
  /** Relative to the environment, with `/`. It contains a hash of the content, because npm caches a tarball by its name. */
  path: string;
  content: Buffer;
  /** In the format of a lockfile. */
  integrity: string;
  packageJson: PackageManifest;
}

/** Packs the files of the running package. The same files produce the same bytes, with every version of Node.js. */
export function packCarried(): CarriedPackage {
  const files = ['LICENSE', 'package.json', ...listFiles('bin'), ...listFiles('dist')].sort();
  const tar = createTar(
    files.map((path) => ({
      name: `package/${path}`,
      data: readFileSync(join(packageDirectory, path)),
      attrs: { mode: path === 'bin/sessapp.js' ? '755' : '644', mtime: 0, uid: 0, gid: 0, user: '', group: '' },
    })),
  );
  const content = gzipStored(Buffer.from(tar));
  const packageJson = readPackageManifest();
  return {
    path: `${carriedFolder}/sessapp-${packageJson.version}-${sha256(content).slice(0, 8)}.tgz`,
    content,
    integrity: `sha512-${createHash('sha512').update(content).digest('base64')}`,
    packageJson,
  };
}

function listFiles(folder: string): string[] {
  const entries = readdirSync(join(packageDirectory, folder), { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return paths.map((path) => path.slice(packageDirectory.length + 1).replaceAll(sep, '/'));
}

const blockLength = 0xffff;

// RFC 1952 and 1951, with uncompressed blocks: compressed output of zlib differs between versions of Node.js.
function gzipStored(data: Buffer): Buffer {
  const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
  const blocks: Buffer[] = [];
  for (let at = 0; at < data.length; at += blockLength) {
    const block = data.subarray(at, at + blockLength);
    const head = Buffer.alloc(5);
    head.writeUInt8(at + blockLength >= data.length ? 1 : 0, 0);
    head.writeUInt16LE(block.length, 1);
    head.writeUInt16LE(block.length ^ 0xffff, 3);
    blocks.push(head, block);
  }
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(data), 0);
  trailer.writeUInt32LE(data.length % 2 ** 32, 4);
  return Buffer.concat([header, ...blocks, trailer]);
}
