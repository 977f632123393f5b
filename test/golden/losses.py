"""Writes losses.jsonl.gz beside itself: cases of the form in parity.h with PyTorch's values, for the losses.
usage: python3 losses.py, with torch 2"""
import os
import torch
import torch.nn.functional as F
from cases import case, write

torch.manual_seed(11)


def x(*shape, low=-2., high=2.):
    return (low + (high - low) * torch.rand(shape)).requires_grad_()


def signs(*shape):
    return torch.randint(2, shape) * 2. - 1


def p(*shape):
    return x(*shape, low=.02, high=.98)


for r in 'mean', 'sum', 'none':
    for shape in (), (2, 3), (0, 3):
        case('nn.functional.binary_cross_entropy', p(*shape), p(*shape), reduction=r)
        case('nn.functional.binary_cross_entropy', p(*shape), p(*shape).detach().round(), p(*shape).detach(), reduction=r)
        case('nn.functional.kl_div', x(*shape), p(*shape), reduction=r)
        case('nn.functional.kl_div', x(*shape), x(*shape), reduction=r, log_target=True)
        for log_input in True, False:
            for full in True, False:
                case('nn.functional.poisson_nll_loss', p(*shape), x(*shape, low=.1, high=5.), log_input, full,
                     reduction=r, eps=1e-4)
        case('nn.functional.soft_margin_loss', x(*shape), signs(*shape), reduction=r)
        case('nn.functional.hinge_embedding_loss', x(*shape), signs(*shape), reduction=r)
        case('nn.functional.hinge_embedding_loss', x(*shape), signs(*shape).long(), margin=-.3, reduction=r)
        case('nn.functional.margin_ranking_loss', x(*shape), x(*shape), signs(*shape), .2, reduction=r)
        case('nn.functional.smooth_l1_loss', x(*shape), x(*shape), reduction=r, beta=.7)
    for shape in (3,), (2, 2, 2):
        case('nn.functional.gaussian_nll_loss', x(*shape), x(*shape), p(*shape), reduction=r)
        case('nn.functional.gaussian_nll_loss', x(*shape), x(*shape), p(*shape[:-1]), full=True, eps=.3, reduction=r)
        case('nn.functional.gaussian_nll_loss', x(*shape), x(*shape), p(*shape[:-1], 1), reduction=r)
        case('nn.functional.multilabel_soft_margin_loss', x(*shape), p(*shape), reduction=r)
        case('nn.functional.multilabel_soft_margin_loss', x(*shape), p(*shape).detach(), p(shape[-1]).detach(), reduction=r)
        for more in {}, {'p': 3.}, {'swap': True, 'margin': 2.}, {'p': 1., 'eps': .1}:
            case('nn.functional.triplet_margin_loss', x(*shape), x(*shape), x(*shape), reduction=r, **more)
    for shape in (4,), (3, 3):
        case('nn.functional.cosine_embedding_loss', x(*shape), x(*shape), signs(*shape[:-1]), reduction=r)
        case('nn.functional.cosine_embedding_loss', x(*shape), x(*shape), signs(*shape[:-1]).long(), margin=.4, reduction=r)
        classes = torch.randint(shape[-1], shape[:-1])
        for more in {}, {'p': 2}, {'margin': .4, 'weight': p(shape[-1]).detach()}, {'p': 2, 'weight': p(shape[-1]).detach()}:
            case('nn.functional.multi_margin_loss', x(*shape), classes, reduction=r, second=False, **more)
        lists = torch.randint(-1, shape[-1], shape)
        case('nn.functional.multilabel_margin_loss', x(*shape), lists, reduction=r, second=False)

    # cross_entropy and nll_loss in every variant
    for shape in (4,), (3, 4), (2, 3, 2, 1):
        c = shape[0] if len(shape) == 1 else shape[1]
        spots = shape[:1] * (len(shape) > 1) + shape[2:]
        target = torch.randint(c, spots)
        ignored = target.clone()
        if spots:
            ignored.view(-1)[0] = -100
        for more in {}, {'weight': p(c).detach()}, {'ignore_index': 1}, {'weight': p(c).detach(), 'ignore_index': -100}:
            case('nn.functional.nll_loss', x(*shape), ignored if more.get('ignore_index') == -100 else target, reduction=r, **more)
            for smoothing in 0., .2:
                case('nn.functional.cross_entropy', x(*shape), ignored if more.get('ignore_index') == -100 else target,
                     reduction=r, label_smoothing=smoothing, **more)
        for more in {}, {'weight': p(c).detach()}, {'label_smoothing': .3}, {'weight': p(c).detach(), 'label_smoothing': .1}:
            case('nn.functional.cross_entropy', x(*shape), p(*shape), reduction=r, **more)

    # of logits: PyTorch's gradient by log-probabilities that are not normalised is not that of its value
    def ctc(logits, *args, **kwargs):
        return F.ctc_loss(logits.log_softmax(-1), *args, **kwargs)
    targets = torch.tensor([[1, 2, 1, 3], [3, 3, 0, 0], [4, 4, 4, 4]])
    lengths, sizes = torch.tensor([9, 6, 7]), torch.tensor([4, 2, 4])
    case('nn.CTCLoss', x(9, 3, 5), targets, lengths, sizes, of=ctc, reduction=r, second=False)
    case('nn.CTCLoss', x(9, 3, 5), targets[:, :3] - 1, lengths, torch.tensor([3, 0, 3]), of=ctc, blank=4, reduction=r, second=False)
    case('nn.CTCLoss', x(9, 3, 5), torch.tensor([1, 2, 3, 3, 2, 1, 2]), lengths, torch.tensor([2, 2, 3]), of=ctc, reduction=r,
         second=False)
    case('nn.CTCLoss', x(9, 3, 5), targets, torch.tensor([9, 2, 6]), sizes, of=ctc, zero_infinity=True, reduction=r, second=False)
    case('nn.CTCLoss', x(9, 5), targets[0, :3], torch.tensor(8), torch.tensor(3), of=ctc, reduction=r, second=False)
case('nn.functional.kl_div', x(3, 4), p(3, 4), reduction='batchmean')
case('nn.functional.kl_div', x(), p(), reduction='batchmean')
case('nn.functional.kl_div', x(3, 4), x(4), reduction='batchmean', log_target=True)

write(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'losses.jsonl.gz'))
