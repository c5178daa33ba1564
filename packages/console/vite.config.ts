import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const server = process.env['WATCHPOST_URL'] ?? 'http://127.0.0.1:8080';
const proxied = ['/api', '/hls', '/fmp4', '/flv', '/playback', '/health', '/ready'];

export default defineConfig({
  plugins: [react()],
  build: { target: 'es2022', sourcemap: false, assetsInlineLimit: 2048 },
  server: {
    port: 5173,
    proxy: Object.fromEntries(proxied.map((path) => [path, { target: server, ws: true, changeOrigin: false }])),
  },
});
