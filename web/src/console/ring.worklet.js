// Plays what the page hands on: S16 stereo at the context's rate. Holds 150 ms at most; of more the oldest is dropped, so that sound
// never falls behind the picture. Begins, and begins again after it ran dry, when 40 ms are there.
const most = Math.round(sampleRate * 0.15);
const first = Math.round(sampleRate * 0.04);

class Ring extends AudioWorkletProcessor {
  constructor() {
    super();
    this.frames = new Float32Array(2 * most);
    this.from = 0;
    this.held = 0;
    this.playing = false;
    this.port.onmessage = ({ data }) => this.take(new Int16Array(data));
  }

  take(samples) {
    for (let at = 0; at + 1 < samples.length; at += 2) {
      if (this.held === most) {
        this.from = (this.from + 1) % most;
        this.held -= 1;
      }
      const to = (this.from + this.held) % most;
      this.frames[2 * to] = samples[at] / 32768;
      this.frames[2 * to + 1] = samples[at + 1] / 32768;
      this.held += 1;
    }
  }

  process(_inputs, outputs) {
    const [left, right] = outputs[0];
    this.playing = this.held >= (this.playing ? left.length : first);
    for (let at = 0; this.playing && at < left.length; at += 1) {
      left[at] = this.frames[2 * this.from];
      right[at] = this.frames[2 * this.from + 1];
      this.from = (this.from + 1) % most;
      this.held -= 1;
    }
    return true;
  }
}

registerProcessor('oriel-ring', Ring);
