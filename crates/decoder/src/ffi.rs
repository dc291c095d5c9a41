//! The one file that calls libav where ffmpeg-next has no safe way: opening an
//! input with its guards, the log callback, frames held by reference, planes,
//! and the colour details of RGB conversion. Policy lives in the callers.
#![allow(unsafe_code)]

use std::{
    ffi::{CStr, CString, c_char, c_int, c_void},
    ptr, slice,
    sync::{
        Arc, Once,
        atomic::{AtomicU32, Ordering},
    },
};

use ffmpeg_next::{
    Dictionary, Packet,
    codec::Parameters,
    ffi::{self, AVClass, AVCodecContext, AVFormatContext, AVPixelFormat, AVRational},
    frame,
    packet::Mut,
};

use crate::{
    error::AvError,
    log::{self, Listening, Signals},
    watch::{Call, Verdict, Watch},
};

#[cfg(target_arch = "x86_64")]
type VaList = *mut ffi::__va_list_tag;
#[cfg(not(target_arch = "x86_64"))]
type VaList = ffi::va_list;

/// Lowers the largest single allocation that libav may make in this process.
pub(crate) fn limit_allocation(bytes: usize) {
    // SAFETY: sets one number inside libavutil; valid at any time.
    unsafe { ffi::av_max_alloc(bytes) }
}

/// Tells glibc to give large blocks back at once and to keep few heaps.
pub(crate) fn keep_heap_small() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: mallopt changes parameters of the allocator under its own lock; it may
    // be called at any time, and a refused value leaves the old one.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 2);
        libc::mallopt(libc::M_MMAP_THRESHOLD, 256 << 10);
    }
}

pub(crate) fn let_heap_grow() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: as in `keep_heap_small`: under the allocator's own lock, at any time.
    unsafe {
        // The most that glibc takes for the first; the second is far above it.
        libc::mallopt(libc::M_MMAP_THRESHOLD, 32 << 20);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 256 << 20);
    }
}

/// Sends libav's log to [`log`], once for the process.
pub(crate) fn listen_to_log() {
    static ONCE: Once = Once::new();
    // SAFETY: `on_log` lives for ever, is re-entrant and does not unwind into C.
    ONCE.call_once(|| unsafe { ffi::av_log_set_callback(Some(on_log)) });
}

unsafe extern "C" fn on_log(avcl: *mut c_void, level: c_int, format: *const c_char, args: VaList) {
    if format.is_null() {
        return;
    }
    // SAFETY: libav passes the NUL-terminated literal of its av_log call.
    let text = unsafe { CStr::from_ptr(format) }.to_bytes();
    let subject = subject(avcl);
    if let Subject::Packet(name) = subject {
        log::at_work(name);
    }
    if !log::is_wanted(level, text) {
        return;
    }
    let (Subject::Packet(subject) | Subject::Context(subject)) = subject;
    // A panic must not cross into C; what is lost is one log line.
    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        log::receive(subject, level, text, || {
            let mut line = [0_u8; 1024];
            let mut prefix = 1;
            // SAFETY: avcl, format and args are those of this very call, used once;
            // the buffer's true size is passed and libav always ends it with NUL.
            unsafe {
                ffi::av_log_format_line2(
                    avcl,
                    level,
                    format,
                    args,
                    line.as_mut_ptr().cast(),
                    1024,
                    &raw mut prefix,
                );
            }
            CStr::from_bytes_until_nul(&line)
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        });
    }));
}

/// What a line of libav's log is about.
#[derive(Clone, Copy)]
enum Subject {
    /// A packet that a decoder works on, by its name ([`name_packet`]).
    Packet(usize),
    /// Anything else, by its address.
    Context(usize),
}

/// A decoder of several threads has a context for each, and some parts of libav have
/// one of their own that leads to the one they work for.
fn subject(avcl: *mut c_void) -> Subject {
    /// Contexts lead to one another at most so often: it is once in all of libav.
    const STEPS: usize = 4;
    let mut context = avcl;
    for _ in 0..STEPS {
        if context.is_null() {
            break;
        }
        // SAFETY: libav logs with contexts whose first field is a pointer to their
        // class, and which live until the line is written.
        let class = unsafe { *context.cast::<*const AVClass>() };
        // SAFETY: it has no condition; the class is a constant of the library.
        if class == unsafe { ffi::avcodec_get_class() } {
            // SAFETY: only an AVCodecContext is of that class. The field of a thread's
            // own context is written between two packets alone.
            let name = unsafe { (*context.cast::<AVCodecContext>()).opaque };
            if !name.is_null() {
                return Subject::Packet(name as usize);
            }
        }
        if class.is_null() {
            break;
        }
        // SAFETY: a class is a constant for as long as its contexts live.
        let Ok(offset @ 1..) = usize::try_from(unsafe { (*class).parent_log_context_offset })
        else {
            break;
        };
        // SAFETY: at this offset a context of this class holds a pointer to another
        // context, or NULL.
        context = unsafe { *context.byte_add(offset).cast::<*mut c_void>() };
    }
    Subject::Context(avcl as usize)
}

/// Has lines about what is decoded next go by this name. It is an address of which
/// nothing is read.
pub(crate) fn name_packet(decoder: &mut ffmpeg_next::codec::Context, name: *const u8) {
    // SAFETY: the field is the caller's own; libav hands it on and does not look at it.
    unsafe { (*decoder.as_mut_ptr()).opaque = name.cast_mut().cast() };
}

/// What the interrupt callback reads.
struct Poll {
    watch: Arc<Watch>,
    signals: Arc<Signals>,
    context: *const AVFormatContext,
    url: CString,
    /// How many streams the context had when libav last asked: after a failure the
    /// context is gone.
    streams: AtomicU32,
}

unsafe extern "C" fn must_end(opaque: *mut c_void) -> c_int {
    // SAFETY: `opaque` is the Poll of the Input under way; it is freed only after
    // the context that holds this callback, and never written through.
    let poll = unsafe { &*opaque.cast::<Poll>() };
    if poll.signals.sends_media() {
        poll.watch.first_sign();
    }
    if poll.watch.must_end() {
        return 1;
    }
    if poll.signals.too_large() {
        return 1;
    }
    if poll.signals.names_stranger() || poll.signals.redirects() {
        // libav is about to send datagrams to a machine of the camera's choice, or to
        // follow a redirect, be it in a circle.
        poll.watch.judge(Verdict::Redirected);
        return 1;
    }
    // SAFETY: libav calls back on the thread that is inside a call on this
    // context, so the context is alive and nobody changes these fields meanwhile.
    let (url, streams) = unsafe { ((*poll.context).url, (*poll.context).nb_streams) };
    poll.streams.store(streams, Ordering::Relaxed);
    // SAFETY: as above; a URL, where there is one, is NUL-terminated.
    if !url.is_null() && unsafe { CStr::from_ptr(url) } != poll.url.as_c_str() {
        // libav is about to follow a redirect, with the camera's password.
        poll.watch.judge(Verdict::Redirected);
        return 1;
    }
    0
}

/// An open demuxer. Closing sends TEARDOWN as far as the watch allows.
pub(crate) struct Input {
    context: *mut AVFormatContext,
    poll: *mut Poll,
    /// How the pictures of the selected stream are to be turned, and its number.
    turned: Option<(usize, Vec<u8>)>,
    _listening: Listening,
}

// SAFETY: libav's contexts have no thread affinity; `Input` owns both pointers
// alone and every use needs `&mut self`.
unsafe impl Send for Input {}

/// Why an input could not be opened.
pub(crate) enum OpenFailure {
    /// With the number of streams that were known by then.
    Av(AvError, u32),
    /// An option that libav did not know: a mistake of ours.
    UnknownOption(String),
    NoMemory,
}

/// What is known of a stream before its first picture.
pub(crate) struct StreamParameters {
    pub(crate) index: usize,
    pub(crate) parameters: Parameters,
    pub(crate) time_base: (i32, i32),
    pub(crate) frame_rate: Option<f64>,
    pub(crate) duration: Option<f64>,
    /// Whether units of H.264 and H.265 stand behind start codes, as in a transport
    /// stream, and not behind their lengths.
    pub(crate) start_codes: bool,
}

impl Input {
    /// Opens `url` with the demuxer named `format` (libav's guess where `None`).
    pub(crate) fn open(
        url: CString,
        format: Option<&CStr>,
        options: &[(&str, &str)],
        watch: Arc<Watch>,
        signals: &Arc<Signals>,
    ) -> Result<Self, OpenFailure> {
        // SAFETY: plain allocation, checked below.
        let context = unsafe { ffi::avformat_alloc_context() };
        if context.is_null() {
            return Err(OpenFailure::NoMemory);
        }
        let listening = Listening::new(context as usize, signals);
        let poll = Box::into_raw(Box::new(Poll {
            watch,
            signals: Arc::clone(signals),
            context,
            url,
            streams: AtomicU32::new(0),
        }));
        let mut input = Self {
            context,
            poll,
            turned: None,
            _listening: listening,
        };
        let format = match format {
            // SAFETY: a NUL-terminated name; the result is static or null (a guess).
            Some(name) => unsafe { ffi::av_find_input_format(name.as_ptr()) },
            None => ptr::null(),
        };
        let _call = input.call();
        let given: Dictionary<'_> = options.iter().copied().collect();
        // Contexts of the network log for themselves, on this thread.
        let _here = log::during(signals);
        // SAFETY: `context` is ours and fresh; the callback's `poll` outlives it (Drop).
        // avformat_open_input takes the dictionary by reference and leaves what it did
        // not use; on failure it frees the context and sets the pointer to null, which
        // Drop respects. `poll.url` stays where it is while libav copies it.
        let (code, left) = unsafe {
            (*context).interrupt_callback.callback = Some(must_end);
            (*context).interrupt_callback.opaque = poll.cast();
            let mut raw = given.disown();
            let code = ffi::avformat_open_input(
                &raw mut input.context,
                (*poll).url.as_ptr(),
                format.cast_mut(),
                &raw mut raw,
            );
            (code, Dictionary::own(raw))
        };
        if code < 0 {
            // SAFETY: the Poll is freed by Drop only.
            let streams = unsafe { (*poll).streams.load(Ordering::Relaxed) };
            return Err(OpenFailure::Av(AvError(code), streams));
        }
        if let Some((name, _)) = left.iter().next() {
            return Err(OpenFailure::UnknownOption(name.to_owned()));
        }
        Ok(input)
    }

    /// Reads ahead to learn about the streams. For files only: on a camera it
    /// costs a second and the first keyframe.
    pub(crate) fn find_stream_info(&mut self) -> Result<(), AvError> {
        let _call = self.call();
        // SAFETY: the context is open; no per-stream options are passed.
        match unsafe { ffi::avformat_find_stream_info(self.context, ptr::null_mut()) } {
            code if code < 0 => Err(AvError(code)),
            _ => Ok(()),
        }
    }

    /// The first video stream; all others are told to be discarded.
    pub(crate) fn select_video(&mut self) -> Option<StreamParameters> {
        let mut found = None;
        // SAFETY: `streams` holds `nb_streams` valid pointers while the context is open.
        let (streams, duration) = unsafe {
            let context = &*self.context;
            let count = context.nb_streams as usize;
            if count == 0 {
                return None;
            }
            (
                slice::from_raw_parts(context.streams, count),
                context.duration,
            )
        };
        for (index, &stream) in streams.iter().enumerate() {
            // SAFETY: a valid stream with its parameters, used by this thread alone.
            let (stream, codec) = unsafe { (&mut *stream, &*(*stream).codecpar) };
            let is_video = codec.codec_type == ffi::AVMediaType::AVMEDIA_TYPE_VIDEO;
            if !is_video || found.is_some() {
                stream.discard = ffi::AVDiscard::AVDISCARD_ALL;
                continue;
            }
            let mut parameters = Parameters::new();
            // SAFETY: both sides are valid; a failed copy (no memory) leaves the codec
            // unset, which the decoder refuses.
            unsafe { ffi::avcodec_parameters_copy(parameters.as_mut_ptr(), stream.codecpar) };
            let head = (!codec.extradata.is_null() && codec.extradata_size > 0)
                // SAFETY: libav keeps that many bytes there.
                .then(|| unsafe { *codec.extradata });
            // SAFETY: a valid stream.
            self.turned = unsafe { display_matrix(stream) }.map(|matrix| (index, matrix));
            found = Some(StreamParameters {
                index,
                parameters,
                time_base: (stream.time_base.num, stream.time_base.den),
                frame_rate: rate(stream.avg_frame_rate).or_else(|| rate(stream.r_frame_rate)),
                #[allow(clippy::cast_precision_loss)] // a duration needs no 53 bits
                duration: (duration > 0).then(|| duration as f64 / 1e6),
                // The records of ISO/IEC 14496-15 begin with their version, 1.
                start_codes: head != Some(1),
            });
        }
        found
    }

    /// The next packet of any stream.
    pub(crate) fn read(&mut self) -> Result<Packet, AvError> {
        let _call = self.call();
        let mut packet = Packet::empty();
        // SAFETY: the context is open and the packet fresh; libav fills or leaves it.
        match unsafe { ffi::av_read_frame(self.context, packet.as_mut_ptr()) } {
            code if code < 0 => Err(AvError(code)),
            _ => {
                self.tell_turn(&mut packet);
                Ok(packet)
            }
        }
    }

    /// Whoever watches over the stop signal sees that a call is under way.
    fn call(&self) -> Call {
        // SAFETY: made by `open` and freed by Drop only.
        unsafe { (*self.poll).watch.reading() }
    }

    /// Lays the stream's display matrix into its packet: from there libav hands it on
    /// to the picture, which before 6.1 it does not do from the stream.
    fn tell_turn(&self, packet: &mut Packet) {
        let Some((stream, matrix)) = &self.turned else {
            return;
        };
        if packet.stream() != *stream {
            return;
        }
        // SAFETY: a valid packet; the new block is owned by it, is as long as was asked
        // for or null (no memory), and overlaps nothing.
        unsafe {
            let kind = ffi::AVPacketSideDataType::AV_PKT_DATA_DISPLAYMATRIX;
            let block = ffi::av_packet_new_side_data(packet.as_mut_ptr(), kind, matrix.len());
            if !block.is_null() {
                ptr::copy_nonoverlapping(matrix.as_ptr(), block, matrix.len());
            }
        }
    }

    /// Whether the input itself ran dry (a file's end, a closed connection).
    pub(crate) fn is_eof(code: AvError) -> bool {
        code.0 == ffi::AVERROR_EOF
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        let _call = self.call();
        // SAFETY: null after a failed open, else the open context, closed once; only
        // then may the Poll go, which the callback reads during the closing.
        unsafe {
            if !self.context.is_null() {
                ffi::avformat_close_input(&raw mut self.context);
            }
            drop(Box::from_raw(self.poll));
        }
    }
}

/// The stream's display matrix, as bytes.
///
/// # Safety
/// `stream` must be valid, which a reference of safe code to it is not by itself: its
/// side data must be libav's own.
unsafe fn display_matrix(stream: &ffi::AVStream) -> Option<Vec<u8>> {
    // Before libav 8 the stream has it, from then on what the stream's codec is told.
    #[cfg(not(libav_8))]
    let (first, count) = (stream.side_data, stream.nb_side_data);
    #[cfg(libav_8)]
    // SAFETY: a stream has parameters from its making to its end.
    let (first, count) = unsafe {
        let parameters = &*stream.codecpar;
        (parameters.coded_side_data, parameters.nb_coded_side_data)
    };
    let count = usize::try_from(count).unwrap_or(0);
    if first.is_null() {
        return None;
    }
    // SAFETY: so many blocks stand there, each of `size` bytes or without data; they live as
    // long as the stream, and the one that is looked for is copied at once.
    unsafe {
        let blocks = slice::from_raw_parts(first, count);
        let kind = ffi::AVPacketSideDataType::AV_PKT_DATA_DISPLAYMATRIX;
        let block = blocks.iter().find(|block| block.type_ == kind)?;
        (!block.data.is_null()).then(|| slice::from_raw_parts(block.data, block.size).to_vec())
    }
}

fn rate(value: AVRational) -> Option<f64> {
    (value.num > 0 && value.den > 0).then(|| f64::from(value.num) / f64::from(value.den))
}

/// Whether the linked libav can check the certificate of an `rtsps` camera against
/// the host's name: its RTSP demuxer then has options for that.
pub(crate) fn rtsp_can_verify() -> bool {
    // SAFETY: the demuxer is static or null; av_opt_find2 with FAKE_OBJ reads the class
    // behind the pointer that it is given, which is static as well.
    unsafe {
        let format = ffi::av_find_input_format(c"rtsp".as_ptr());
        let Some(format) = format.as_ref() else {
            return false;
        };
        let mut class = format.priv_class;
        !class.is_null()
            && [c"tls_verify", c"verifyhost"].iter().all(|name| {
                !ffi::av_opt_find2(
                    (&raw mut class).cast(),
                    name.as_ptr(),
                    ptr::null(),
                    0,
                    ffi::AV_OPT_SEARCH_FAKE_OBJ,
                    ptr::null_mut(),
                )
                .is_null()
            })
    }
}

/// Whether what hangs on a stream's packets comes out of the linked libav's parser with the
/// picture that they make.
pub(crate) fn parser_keeps_times() -> bool {
    /// Of libav 8.1, major and minor.
    const KEEPS: (u32, u32) = (62, 12);
    // SAFETY: returns a constant.
    let version = unsafe { ffi::avformat_version() };
    (version >> 16, version >> 8 & 0xff) >= KEEPS
}

/// A decoded picture, held by reference: cloning shares libav's buffers.
pub(crate) struct Picture(frame::Video);

// SAFETY: the buffers behind a frame are reference-counted atomically by libav,
// and nothing here (nor anything else in this crate) writes to them or hands out
// `&mut` to a frame that was received.
unsafe impl Send for Picture {}
// SAFETY: as for Send; all methods only read.
unsafe impl Sync for Picture {}

impl Clone for Picture {
    fn clone(&self) -> Self {
        let mut copy = frame::Video::empty();
        // SAFETY: a valid source and an empty target. A failure (no memory) leaves the
        // target empty: width 0, which every reader of planes refuses.
        unsafe { ffi::av_frame_ref(copy.as_mut_ptr(), self.0.as_ptr()) };
        Self(copy)
    }
}

/// Where the luma samples of a pixel format are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LumaLayout {
    pub(crate) plane: usize,
    pub(crate) bytes_per_sample: usize,
    pub(crate) bits: u32,
    pub(crate) shift: u32,
}

/// Where the samples of one colour of a pixel format are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ColourLayout {
    pub(crate) samples: LumaLayout,
    /// Bytes from the start of a row to the first sample, and from one to the next.
    pub(crate) offset: usize,
    pub(crate) step: usize,
}

/// Both colours, and the log2 of the luma samples for each, across and down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChromaLayout {
    pub(crate) u: ColourLayout,
    pub(crate) v: ColourLayout,
    pub(crate) subsampling: (u32, u32),
}

impl Picture {
    pub(crate) fn new(frame: frame::Video) -> Self {
        Self(frame)
    }

    pub(crate) fn frame(&self) -> &frame::Video {
        &self.0
    }

    fn pixel_format(&self) -> Option<AVPixelFormat> {
        // SAFETY: reading a plain integer of a valid frame.
        let raw = unsafe { (*self.0.as_ptr()).format };
        let known = 0..AVPixelFormat::AV_PIX_FMT_NB as c_int;
        // SAFETY: libav's pixel formats are numbered without gaps from 0 to NB - 1, and
        // the enum was made from the headers of the very library that is linked.
        known
            .contains(&raw)
            .then(|| unsafe { std::mem::transmute::<c_int, AVPixelFormat>(raw) })
    }

    /// libav's name of the pixel format.
    pub(crate) fn pixel_format_name(&self) -> &'static str {
        let Some(format) = self.pixel_format() else {
            return "unknown";
        };
        // SAFETY: the name is a static string or null.
        unsafe {
            let name = ffi::av_get_pix_fmt_name(format);
            if name.is_null() {
                "unknown"
            } else {
                CStr::from_ptr(name).to_str().unwrap_or("?")
            }
        }
    }

    /// The descriptor of a format of plain little-endian YUV or grey samples.
    fn yuv(&self) -> Option<&'static ffi::AVPixFmtDescriptor> {
        const OTHER: u64 = (ffi::AV_PIX_FMT_FLAG_RGB
            | ffi::AV_PIX_FMT_FLAG_PAL
            | ffi::AV_PIX_FMT_FLAG_HWACCEL
            | ffi::AV_PIX_FMT_FLAG_BITSTREAM
            | ffi::AV_PIX_FMT_FLAG_BE
            | ffi::AV_PIX_FMT_FLAG_FLOAT) as u64;
        // SAFETY: the descriptor is static or null.
        let descriptor = unsafe { ffi::av_pix_fmt_desc_get(self.pixel_format()?).as_ref() }?;
        (descriptor.flags & OTHER == 0).then_some(descriptor)
    }

    /// Where luma is, for formats that have a plane of it alone.
    pub(crate) fn luma_layout(&self) -> Option<LumaLayout> {
        let luma = colour_layout(&self.yuv()?.comp[0])?;
        let alone = luma.step == luma.samples.bytes_per_sample && luma.offset == 0;
        alone.then_some(luma.samples)
    }

    /// Where the colours are; none in a grey picture.
    pub(crate) fn chroma_layout(&self) -> Option<ChromaLayout> {
        let descriptor = self.yuv()?;
        let [_, u, v, _] = &descriptor.comp;
        (descriptor.nb_components >= 3).then_some(ChromaLayout {
            u: colour_layout(u)?,
            v: colour_layout(v)?,
            subsampling: (
                descriptor.log2_chroma_w.into(),
                descriptor.log2_chroma_h.into(),
            ),
        })
    }

    /// The same picture with its rows from top to bottom in memory. Few codecs store
    /// them otherwise, so that a copy does no harm.
    pub(crate) fn upright(self) -> Result<Self, AvError> {
        // SAFETY: reading plain fields of a valid frame.
        let source = unsafe { &*self.0.as_ptr() };
        if source.linesize.iter().all(|&stride| stride >= 0) {
            return Ok(self);
        }
        let mut copy = frame::Video::empty();
        // SAFETY: both frames are valid. The copy is given buffers of its own for the
        // same format and size, which is what `av_frame_copy` asks for; rows of the
        // source that lie upwards are walked by their negative stride.
        let code = unsafe {
            let target = copy.as_mut_ptr();
            (*target).format = source.format;
            (*target).width = source.width;
            (*target).height = source.height;
            match ffi::av_frame_get_buffer(target, 0) {
                code if code < 0 => code,
                _ => match ffi::av_frame_copy(target, self.0.as_ptr()) {
                    code if code < 0 => code,
                    _ => ffi::av_frame_copy_props(target, self.0.as_ptr()),
                },
            }
        };
        if code < 0 {
            Err(AvError(code))
        } else {
            Ok(Self(copy))
        }
    }

    /// The bytes of a plane of `rows` rows of `row_bytes` each, and its stride.
    /// `None` for a plane that is absent, upside down or narrower than that.
    pub(crate) fn plane(
        &self,
        plane: usize,
        rows: usize,
        row_bytes: usize,
    ) -> Option<(&[u8], usize)> {
        // SAFETY: reading plain fields of a valid frame.
        let raw = unsafe { &*self.0.as_ptr() };
        let data = *raw.data.get(plane)?;
        let stride = usize::try_from(*raw.linesize.get(plane)?).ok()?;
        if data.is_null() || rows == 0 || row_bytes == 0 || stride < row_bytes {
            return None;
        }
        let length = stride.checked_mul(rows - 1)?.checked_add(row_bytes)?;
        // SAFETY: libav gives every row of a plane `linesize` bytes apart, `height` of
        // them, the last at least `row_bytes` long; the buffer lives as long as `self`
        // and is never written while it is shared.
        Some((unsafe { slice::from_raw_parts(data, length) }, stride))
    }
}

fn colour_layout(component: &ffi::AVComponentDescriptor) -> Option<ColourLayout> {
    let bits = u32::try_from(component.depth).ok()?;
    let shift = u32::try_from(component.shift).ok()?;
    let samples = LumaLayout {
        plane: usize::try_from(component.plane).ok()?,
        bytes_per_sample: if bits + shift > 8 { 2 } else { 1 },
        bits,
        shift,
    };
    (bits >= 8).then_some(ColourLayout {
        samples,
        offset: usize::try_from(component.offset).ok()?,
        step: usize::try_from(component.step).ok()?,
    })
}

/// Runs a scaler over a whole picture into packed rows `stride` bytes apart.
///
/// # Panics
/// Never: a buffer too small for `rows` rows is refused.
pub(crate) fn scale_into(
    scaler: &mut ffmpeg_next::software::scaling::Context,
    picture: &Picture,
    rows: usize,
    stride: usize,
    out: &mut [u8],
) -> Result<(), AvError> {
    let too_small = AvError(ffi::AVERROR(ffmpeg_next::error::EINVAL));
    let fits = stride
        .checked_mul(rows)
        .is_some_and(|needed| needed <= out.len());
    let line = c_int::try_from(stride).map_err(|_| too_small)?;
    if !fits {
        return Err(too_small);
    }
    let (planes, lines) = (
        [
            out.as_mut_ptr(),
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
        ],
        [line, 0, 0, 0],
    );
    // SAFETY: the scaler was made for this picture's size and format and for packed
    // RGB of the same size; the source planes belong to a valid frame; the target has
    // `rows` rows of `stride` bytes, checked above, and the caller leaves swscale the
    // slack that its vector code may write behind a row (`rgb::STRIDE`).
    let done = unsafe {
        let source = &*picture.0.as_ptr();
        ffi::sws_scale(
            scaler.as_mut_ptr(),
            source.data.as_ptr().cast(),
            source.linesize.as_ptr(),
            0,
            source.height,
            planes.as_ptr(),
            lines.as_ptr(),
        )
    };
    if usize::try_from(done) == Ok(rows) {
        Ok(())
    } else {
        Err(AvError(done))
    }
}

/// Sets a scaler's matrix and ranges: `matrix` is swscale's number.
pub(crate) fn set_colour_details(
    scaler: &mut ffmpeg_next::software::scaling::Context,
    matrix: c_int,
    full_range: bool,
) -> bool {
    // SAFETY: the scaler is valid; the coefficient tables are static. Brightness 0,
    // contrast and saturation 1.0 in 16.16 are swscale's neutral values.
    unsafe {
        let coefficients = ffi::sws_getCoefficients(matrix);
        ffi::sws_setColorspaceDetails(
            scaler.as_mut_ptr(),
            coefficients,
            c_int::from(full_range),
            coefficients,
            1,
            0,
            1 << 16,
            1 << 16,
        ) >= 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_that_lies_upside_down_is_turned_over() {
        ffmpeg_next::init().unwrap();
        let mut video = frame::Video::new(ffmpeg_next::format::Pixel::YUV420P, 6, 4);
        for plane in 0..3 {
            let stride = video.stride(plane);
            for (row, line) in video.data_mut(plane).chunks_mut(stride).enumerate() {
                line.fill(u8::try_from(10 * plane + row).unwrap());
            }
        }
        // SAFETY: each plane has `rows` rows of `linesize` bytes; the last one becomes the
        // first, and rows are walked upwards from there.
        unsafe {
            let raw = &mut *video.as_mut_ptr();
            for (plane, rows) in [4, 2, 2].into_iter().enumerate() {
                let stride = raw.linesize[plane];
                raw.data[plane] =
                    raw.data[plane].offset(isize::try_from((rows - 1) * stride).unwrap());
                raw.linesize[plane] = -stride;
            }
        }
        let upright = Picture::new(video).upright().unwrap();
        for (plane, rows, width) in [(0, 4, 6), (1, 2, 3), (2, 2, 3)] {
            let (data, stride) = upright.plane(plane, rows, width).unwrap();
            for (row, line) in data.chunks(stride).enumerate() {
                let expected = u8::try_from(10 * plane + rows - 1 - row).unwrap();
                assert_eq!(line[..width], vec![expected; width]);
            }
        }
    }
}
